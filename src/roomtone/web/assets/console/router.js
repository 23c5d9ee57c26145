// @ts-check
/**
 * Routes live in the hash, so a deep link needs nothing of the server: `#/sessions/ID?app=APP`.
 *
 * A page is a module under `pages/` that exports `tag`, the name of the element it defines. The
 * shell makes that element and sets its `route` property, again each time the route changes.
 *
 * @typedef {{
 *   page: string, path: string, params: Record<string, string>, query: URLSearchParams,
 * }} Route
 */

/** What each path shows; `:name` is a parameter. The first that fits is taken. */
const ROUTES = [
  { path: "/sessions", page: "sessions" },
  { path: "/sessions/:sessionId", page: "session" },
  { path: "/sessions/:sessionId/peers/:peerId", page: "peer" },
  { path: "/overview", page: "overview" },
  { path: "/import", page: "import" },
  { path: "/settings", page: "settings" },
  { path: "/settings/:section", page: "settings" },
  { path: "/settings/:section/:id", page: "settings" },
];

/** @type {Record<string, () => Promise<{ tag: string }>>} */
const PAGES = {
  sessions: () => import("./pages/sessions.js"),
  session: () => import("./pages/session.js"),
  peer: () => import("./pages/peer.js"),
  overview: () => import("./pages/overview.js"),
  import: () => import("./pages/import.js"),
  settings: () => import("./pages/settings.js"),
};

export const HOME = "/sessions";

/** Query members that every link keeps: which app is looked at. */
const sticky = new URLSearchParams();

/**
 * Say that every link from now on names this app (null: there is only one, links stay short).
 * @param {string | null} appId
 */
export function keepApp(appId) {
  if (appId === null) sticky.delete("app");
  else sticky.set("app", appId);
}

/**
 * The `href` of a place in the console. Members of `query` that are empty are left out.
 * @param {string} path
 * @param {Record<string, unknown> | URLSearchParams} [query]
 * @returns {string}
 */
export function href(path, query = {}) {
  const given = query instanceof URLSearchParams ? [...query] : Object.entries(query);
  const asked = new URLSearchParams(sticky);
  for (const [name, value] of given) {
    if (value === null || value === undefined || value === "") asked.delete(name);
    else asked.set(name, String(value));
  }
  const text = asked.toString();
  return `#${path}${text ? `?${text}` : ""}`;
}

/**
 * Go there. `replace`: without a step in the history, for what is typed into a filter.
 * @param {string} path
 * @param {Record<string, unknown> | URLSearchParams} [query]
 * @param {{ replace?: boolean }} [how]
 */
export function navigate(path, query = {}, { replace = false } = {}) {
  const wanted = href(path, query);
  if (wanted === location.hash) return;
  if (!replace) {
    location.hash = wanted;
    return;
  }
  history.replaceState(history.state, "", wanted);
  dispatchEvent(new HashChangeEvent("hashchange"));
}

/**
 * What a hash names; null: nothing here.
 * @param {string} hash
 * @returns {Route | null}
 */
export function match(hash) {
  const [path, search = ""] = cut(hash.replace(/^#/, "") || HOME, "?");
  const steps = path.split("/");
  for (const route of ROUTES) {
    const wanted = route.path.split("/");
    if (wanted.length !== steps.length) continue;
    /** @type {Record<string, string>} */
    const params = {};
    const fits = wanted.every((step, at) => {
      if (!step.startsWith(":")) return step === steps[at];
      params[step.slice(1)] = decoded(steps[at]);
      return steps[at] !== "";
    });
    if (fits) return { page: route.page, path, params, query: new URLSearchParams(search) };
  }
  return null;
}

/** The page of the current hash. @returns {Route | null} */
export const current = () => match(location.hash);

/**
 * The tag of the element that shows a page; its module is fetched the first time.
 * @param {string} page
 * @returns {Promise<string>}
 */
export async function load(page) {
  return (await PAGES[page]()).tag;
}

/**
 * A path out of steps, each of them encoded: `to("sessions", id)`.
 * @param {...string} steps
 */
export const to = (...steps) => `/${steps.map(encodeURIComponent).join("/")}`;

/** @param {string} text @param {string} mark @returns {[string, string?]} */
function cut(text, mark) {
  const at = text.indexOf(mark);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}

/** @param {string} text */
function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // a stray % that somebody typed
  }
}
