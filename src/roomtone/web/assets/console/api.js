// @ts-check
/**
 * The API, as the console asks it: the same one that every client has, with the cookie in place of
 * a token. The server takes the cookie only beside this header, which no other site's page can add.
 */

const HEADER = { "x-roomtone-console": "1" };
const TRIES = 3;
const PAUSE_MS = 400;
const LONGEST_PAUSE_MS = 15_000;
const SILENCE_MS = 45_000; // a stream that says nothing for this long is broken: it has a heartbeat

/**
 * Who is signed in, and to what.
 * @typedef {{ id: string, name: string, created_at: string }} App
 * @typedef {{
 *   account: { id: string, name: string }, app_id: string | null, scope: "admin" | "read",
 *   token: { id: string, name: string }, expires_at: string, version: string, url: string,
 * }} Me
 */

/** What the pages share. `app` is the one that is looked at. */
export const context = {
  /** @type {Me | null} */ me: null,
  /** @type {App[]} */ apps: [],
  /** @type {App | null} */ app: null,
};

/** Fired on `window` when the server no longer knows who we are. */
export const SIGNED_OUT = "roomtone-signed-out";

/** A refusal or a failure, in words for people. `status` 0: the server was not reached. */
export class ApiError extends Error {
  /**
   * @param {number} status
   * @param {string} message
   * @param {{ where: string, message: string }[]} faults
   */
  constructor(status, message, faults = []) {
    super(message);
    this.status = status;
    this.faults = faults;
  }
}

/** Below `…/realtime/kit/{app}`. @param {string} path */
export function ofApp(path) {
  if (!context.app) throw new ApiError(0, "No app is chosen.");
  return `${ofAccount("")}/${encodeURIComponent(context.app.id)}${path}`;
}

/** Below `…/realtime/kit`. @param {string} path */
export function ofAccount(path) {
  if (!context.me) throw new ApiError(401, "You are not signed in.");
  return `/accounts/${context.me.account.id}/realtime/kit${path}`;
}

/**
 * @typedef {{
 *   query?: Record<string, unknown> | URLSearchParams, body?: unknown, signal?: AbortSignal,
 *   headers?: Record<string, string>,
 * }} Asked
 */

/**
 * Ask the server; the whole answer. GET is tried again when the server was busy or not reached.
 * @param {string} method
 * @param {string} url
 * @param {Asked} [asked]
 * @returns {Promise<any>}
 */
export async function request(method, url, { query, body, signal, headers = {} } = {}) {
  const wanted = query ? `${url}?${search(query)}` : url;
  const raw = body instanceof Blob || body instanceof ArrayBuffer || typeof body === "string";
  const init = {
    method,
    signal,
    credentials: /** @type {const} */ ("same-origin"),
    headers: {
      ...HEADER,
      accept: "application/json",
      ...(body === undefined || raw ? {} : { "content-type": "application/json" }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: raw ? /** @type {any} */ (body) : JSON.stringify(body) }),
  };
  for (let attempt = 1; ; attempt += 1) {
    const last = method !== "GET" || attempt === TRIES;
    let answer;
    try {
      answer = await fetch(wanted, init);
    } catch (error) {
      if (signal?.aborted) throw error;
      if (last) throw new ApiError(0, "The server was not reached. Is it running?");
      await pause(PAUSE_MS * attempt, signal);
      continue;
    }
    if (answer.ok) return answer.status === 204 ? null : answer.json();
    if (!last && (answer.status === 429 || answer.status === 503)) {
      const seconds = Number(answer.headers.get("retry-after")) || attempt;
      await pause(Math.min(seconds * 1000, LONGEST_PAUSE_MS), signal);
      continue;
    }
    throw await refusal(answer);
  }
}

/** The `data` of an answer. @param {string} url @param {Asked} [asked] */
export const get = async (url, asked) => (await request("GET", url, asked)).data;

/** @param {string} url @param {unknown} [body] @param {Asked} [asked] */
export const post = async (url, body, asked) =>
  (await request("POST", url, { ...asked, body: body ?? {} }))?.data;

/** @param {string} url @param {unknown} body */
export const patch = async (url, body) => (await request("PATCH", url, { body })).data;

/** @param {string} url */
export const del = async (url) => (await request("DELETE", url))?.data;

/**
 * Follow Server-Sent Events until aborted: reconnects with a pause that grows, and goes on where it
 * stopped. EventSource cannot send a header, so this reads the stream itself.
 * @param {string} url
 * @param {{
 *   signal: AbortSignal, onEvent: (event: { id: string, event: string, data: string }) => void,
 *   onState?: (connected: boolean) => void,
 * }} how
 */
export async function follow(url, { signal, onEvent, onState = () => {} }) {
  let lastId = "";
  let failures = 0;
  while (!signal.aborted) {
    const silence = new AbortController();
    const stop = () => silence.abort();
    signal.addEventListener("abort", stop, { once: true });
    let timer = setTimeout(stop, SILENCE_MS);
    try {
      const answer = await fetch(url, {
        signal: silence.signal,
        credentials: "same-origin",
        headers: {
          ...HEADER,
          accept: "text/event-stream",
          ...(lastId ? { "last-event-id": lastId } : {}),
        },
      });
      if (!answer.ok || !answer.body) throw await refusal(answer);
      failures = 0;
      onState(true);
      const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
      let rest = "";
      for (;;) {
        const { done, value } = await reader.read();
        if (done) break;
        clearTimeout(timer);
        timer = setTimeout(stop, SILENCE_MS);
        const blocks = (rest + value).split("\n\n");
        rest = blocks.pop() ?? "";
        for (const block of blocks) {
          const event = parsed(block);
          if (event.id) lastId = event.id;
          if (event.data) onEvent(event);
        }
      }
    } catch (error) {
      failures += 1;
      if (error instanceof ApiError && [401, 403, 404].includes(error.status)) return;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", stop);
    }
    if (signal.aborted) return;
    onState(false);
    await pause(Math.min(1000 * 2 ** failures, LONGEST_PAUSE_MS), signal).catch(() => {});
  }
}

/**
 * Follow as long as somebody looks at the page: a browser lends a site six connections for all its
 * tabs. `onOpen` is called whenever the stream has opened: what happened before was not told.
 * @param {string} url
 * @param {{
 *   signal: AbortSignal, onEvent: (event: { id: string, event: string, data: string }) => void,
 *   onOpen: () => void,
 * }} how
 */
export function followWhileSeen(url, { signal, onEvent, onOpen }) {
  let following = /** @type {AbortController | null} */ (null);
  const onState = (/** @type {boolean} */ connected) => {
    if (connected) onOpen();
  };
  const look = () => {
    if (signal.aborted || document.hidden) {
      following?.abort();
      following = null;
    } else if (!following) {
      following = new AbortController();
      void follow(url, { signal: following.signal, onEvent, onState });
    }
  };
  document.addEventListener("visibilitychange", look);
  signal.addEventListener(
    "abort",
    () => {
      document.removeEventListener("visibilitychange", look);
      look();
    },
    { once: true },
  );
  look();
}

/** @param {string} block */
function parsed(block) {
  const event = { id: "", event: "message", data: "" };
  for (const line of block.split("\n")) {
    const at = line.indexOf(":");
    const name = line.slice(0, at);
    const value = line.slice(at + 1).replace(/^ /, "");
    if (name === "data") event.data += event.data ? `\n${value}` : value;
    else if (name === "id" || name === "event") event[name] = value;
  }
  return event;
}

/** @param {Record<string, unknown> | URLSearchParams} query */
function search(query) {
  if (query instanceof URLSearchParams) return query.toString();
  const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== "" && value !== null);
  return new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString();
}

/** @param {Response} answer */
async function refusal(answer) {
  let told = { error: { message: "" }, errors: [] };
  try {
    told = await answer.json();
  } catch {
    // a proxy's own page: the status says enough
  }
  if (answer.status === 401) dispatchEvent(new CustomEvent(SIGNED_OUT));
  const message = told.error?.message || `The server answered ${answer.status}.`;
  const faults = (told.errors ?? []).map((/** @type {any} */ one) => ({
    where: (one.source?.pointer ?? one.source?.parameter ?? "").replace(/^\//, ""),
    message: one.message,
  }));
  return new ApiError(answer.status, message, faults);
}

/** @param {number} ms @param {AbortSignal} [signal] @returns {Promise<void>} */
export function pause(ms, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    signal?.addEventListener(
      "abort",
      () => {
        clearTimeout(timer);
        reject(signal.reason);
      },
      { once: true },
    );
  });
}
