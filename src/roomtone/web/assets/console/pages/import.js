// @ts-check
import { html, nothing } from "../../vendor/lit.js";
import { ApiError, context, get, ofApp } from "../api.js";
import { define, Element, icon } from "../components.js";
import { counted, size } from "../formats.js";
import { href, navigate, to } from "../router.js";
import { styled } from "../timeline/style.js";

const MOST_BYTES = 64 * 1024 * 1024;
const WORDS = /\.(srt|vtt|csv|txt)(\.gz)?$/i;

await styled("timeline/timeline.css");

/**
 * @typedef {{
 *   key: number, file: File, state: "waiting" | "sending" | "reading" | "done" | "refused",
 *   sent: number, told: string, faults: string[], sessionId: string, answer: any,
 * }} Upload
 */

/** `<rt-page-import .route>`: files dropped here become sessions, or go into one. */
class ImportPage extends Element {
  static properties = {
    route: { attribute: false },
    uploads: { state: true },
    over: { state: true },
    into: { state: true },
    sessions: { state: true },
  };

  #count = 0;
  #busy = false;
  #asking = new AbortController();

  constructor() {
    super();
    /** @type {import("../router.js").Route | null} */
    this.route = null;
    /** @type {Upload[]} */
    this.uploads = [];
    this.over = false;
    this.into = "";
    /** @type {any[]} */
    this.sessions = [];
  }

  connectedCallback() {
    super.connectedCallback();
    document.title = "Import · Roomtone";
    this.#ask();
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    this.#asking.abort();
  }

  /** @param {Map<PropertyKey, unknown>} changed */
  willUpdate(changed) {
    if (changed.has("route")) this.into = this.route?.query.get("session") ?? this.into;
  }

  async #ask() {
    try {
      const { sessions } = await get(ofApp("/sessions"), { query: { per_page: 50 }, signal: this.#asking.signal });
      this.sessions = sessions;
    } catch {
      this.sessions = []; // then the id can be typed
    }
  }

  render() {
    if (context.me?.scope === "read") {
      return html`<rt-empty heading="This token may only read" text="Sign in with a token of the scope admin to import files."></rt-empty>`;
    }
    return html`<header class="page-head"><h1>Import</h1></header>
      <section class="drop ${this.over ? "over" : ""}" aria-labelledby="drop-head"
        @dragover=${this.#dragged} @dragleave=${() => (this.over = false)} @drop=${this.#dropped}>
        <h2 id="drop-head">Drop files here</h2>
        <p>Recordings of <code>getStats()</code> and Jitsi dumps, plain or gzip: each becomes a session.
          Transcripts (SRT, VTT, CSV, JSON) and chats (CSV, JSON) go into a session that is there.</p>
        <label class="button">${icon("import")} Choose files
          <input type="file" multiple @change=${this.#chosen} /></label>
        <p class="quiet">At most 64 MiB each. A file that was imported before changes nothing.</p>
      </section>
      <div class="import-into">
        <label class="field"><span>Words go into</span>
          <select name="into" @change=${(/** @type {any} */ event) => (this.into = event.target.value)}>
            <option value="" ?selected=${!this.into}>the session of the recording beside them</option>
            ${this.into && !this.sessions.some((one) => one.id === this.into)
              ? html`<option value=${this.into} selected>${this.into}</option>`
              : nothing}
            ${this.sessions.map(
              (one) => html`<option value=${one.id} ?selected=${one.id === this.into}>${one.meeting_display_name || "Untitled"}, ${new Date(one.started_at).toLocaleString()}</option>`,
            )}
          </select></label>
      </div>
      <ul class="uploads" aria-live="polite">${this.uploads.map((upload) => this.#line(upload))}</ul>`;
  }

  /** @param {Upload} upload */
  #line(upload) {
    const share = upload.file.size ? upload.sent / upload.file.size : 1;
    return html`<li class="upload" data-state=${upload.state}>
      <b>${upload.file.name}</b><span class="quiet">${size(upload.file.size)}</span>
      ${upload.state === "sending"
        ? html`<progress max="1" .value=${share} aria-label=${`Sending ${upload.file.name}`}></progress>
            <p>Sending, ${Math.round(share * 100)} %</p>`
        : nothing}
      ${upload.state === "reading" ? html`<progress aria-label=${`Reading ${upload.file.name}`}></progress><p>Reading it …</p>` : nothing}
      ${upload.state === "waiting" ? html`<p class="quiet">Waits for its turn</p>` : nothing}
      ${upload.state === "done"
        ? html`<p><rt-badge kind="good" text="Imported"></rt-badge> ${upload.told}
            ${upload.sessionId ? html`<a href=${href(to("sessions", upload.sessionId))}>Open the session</a>` : nothing}</p>`
        : nothing}
      ${upload.state === "refused"
        ? html`<p><rt-badge kind="error" text="Not imported"></rt-badge> ${upload.told}</p>
            ${upload.faults.map((fault) => html`<p class="quiet">${fault}</p>`)}
            <p><button type="button" class="button small" @click=${() => this.#retry(upload)}>Try again</button></p>`
        : nothing}
    </li>`;
  }

  #dragged = (/** @type {DragEvent} */ event) => {
    event.preventDefault();
    this.over = true;
  };

  #dropped = (/** @type {DragEvent} */ event) => {
    event.preventDefault();
    this.over = false;
    this.#take([...(event.dataTransfer?.files ?? [])]);
  };

  #chosen = (/** @type {Event} */ event) => {
    const field = /** @type {HTMLInputElement} */ (event.target);
    this.#take([...(field.files ?? [])]);
    field.value = "";
  };

  /** Recordings first: words dropped beside one go into its session. @param {File[]} files */
  #take(files) {
    const sorted = [...files].sort((a, b) => Number(WORDS.test(a.name)) - Number(WORDS.test(b.name)));
    const made = sorted.map((file) => ({
      key: (this.#count += 1), file, state: /** @type {const} */ ("waiting"), sent: 0, told: "", faults: [],
      sessionId: "", answer: null,
    }));
    this.uploads = [...made, ...this.uploads];
    this.#work();
  }

  /** @param {Upload} upload */
  #retry(upload) {
    upload.state = "waiting";
    this.#work();
  }

  async #work() {
    this.requestUpdate();
    if (this.#busy) return;
    this.#busy = true;
    for (let next; (next = this.uploads.find((upload) => upload.state === "waiting")); ) await this.#send(next);
    this.#busy = false;
    const done = this.uploads.filter((upload) => upload.state === "done");
    const ids = new Set(done.map((upload) => upload.sessionId));
    // One session came of everything: there is nothing else to look at here.
    if (ids.size === 1 && done.length === this.uploads.length && this.isConnected) {
      navigate(to("sessions", done[0].sessionId));
    }
  }

  /** @param {Upload} upload */
  async #send(upload) {
    const changed = (/** @type {Partial<Upload>} */ news) => {
      Object.assign(upload, news);
      this.requestUpdate();
    };
    if (upload.file.size > MOST_BYTES) {
      const told = `It is larger than 64 MiB: compress it with gzip, or split it.`;
      return changed({ state: "refused", told });
    }
    const isWords = WORDS.test(upload.file.name) || (this.into && /\.json(\.gz)?$/i.test(upload.file.name));
    const session = isWords ? this.into || this.#only() : "";
    changed({ state: "sending", sent: 0, told: "", faults: [] });
    try {
      const data = await sent(upload.file, session, (count) =>
        changed({ sent: count, state: count >= upload.file.size ? "reading" : "sending" }),
      );
      const found = data.kind === "recording" ? counted(data.peer_ids.length, "peer") : `${counted(data.new, "new line")} of ${data.kind}`;
      const known = data.new === 0 && data.known > 0 ? "; it was there already" : "";
      changed({ state: "done", answer: data, sessionId: data.session_ids[0] ?? "", told: `${found}${known}.${data.notes.length ? ` ${data.notes.join(" ")}` : ""}` });
    } catch (error) {
      const faults = error instanceof ApiError ? error.faults.map((one) => `${one.where ? `${one.where}: ` : ""}${one.message}`) : [];
      changed({ state: "refused", told: error instanceof Error ? error.message : String(error), faults });
    }
  }

  /** The one session that the recordings dropped here made, if it is one. */
  #only() {
    const ids = new Set(
      this.uploads.filter((one) => one.answer?.kind === "recording").flatMap((one) => one.answer.session_ids),
    );
    return ids.size === 1 ? [...ids][0] : "";
  }
}

/**
 * Send a file and tell how far it is: fetch() does not say, XMLHttpRequest does.
 * @param {File} file @param {string} session @param {(count: number) => void} progress
 * @returns {Promise<any>}
 */
function sent(file, session, progress) {
  const query = new URLSearchParams({ name: file.name, ...(session ? { session_id: session } : {}) });
  return new Promise((resolve, reject) => {
    const asked = new XMLHttpRequest();
    asked.open("POST", `${ofApp("/imports")}?${query}`);
    asked.setRequestHeader("x-roomtone-console", "1");
    asked.setRequestHeader("content-type", "application/octet-stream");
    asked.responseType = "json";
    asked.upload.onprogress = (event) => progress(event.loaded);
    asked.upload.onload = () => progress(file.size);
    asked.onerror = () => reject(new ApiError(0, "The server was not reached. Is it running?"));
    asked.onload = () => {
      const told = asked.response;
      if (asked.status < 300) return resolve(told.data);
      const faults = (told?.errors ?? []).map((/** @type {any} */ one) => ({
        where: one.source?.pointer ?? one.source?.parameter ?? "",
        message: one.message,
      }));
      reject(new ApiError(asked.status, told?.error?.message ?? `The server answered ${asked.status}.`, faults));
    };
    asked.send(file);
  });
}

export const tag = define("rt-page-import", ImportPage);
