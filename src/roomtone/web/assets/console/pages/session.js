// @ts-check
import { html, nothing } from "../../vendor/lit.js";
import { followWhileSeen, get, ofApp, pause, post } from "../api.js";
import { define, Element } from "../components.js";
import { counted, duration, minutes } from "../formats.js";
import { href, to } from "../router.js";
import { filesPanel, hooksPanel, summaryPanel } from "../timeline/after.js";
import { findingsList, verdictBox } from "../timeline/findings.js";
import { showJson } from "../timeline/raw.js";
import { findingOf, timelineOf, wordsOf } from "../timeline/model.js";
import { styled } from "../timeline/style.js";
import "../timeline/timeline.js";
import "../timeline/words.js";

const LIVE_MS = 5_000; // readings come so often; of them nothing is told
const TOLD_MS = 300; // several changes come together
const SUMMARY_MS = 2_000;
const WORD_PAGES = 5;

await styled("timeline/timeline.css");

/** `<rt-page-session .route>`: one session, everything on one axis. */
class SessionPage extends Element {
  static properties = {
    route: { attribute: false },
    session: { state: true },
    line: { state: true },
    words: { state: true },
    wordsCut: { state: true },
    now: { state: true },
    selected: { state: true },
    error: { state: true },
    lineError: { state: true },
    summary: { state: true },
    hooks: { state: true },
  };

  #asking = new AbortController();
  #id = "";
  #summaryStatus = /** @type {string | null | undefined} */ (undefined);

  constructor() {
    super();
    /** @type {import("../router.js").Route | null} */
    this.route = null;
    /** @type {any} */
    this.session = null;
    /** @type {import("../timeline/model.js").Timeline | null} */
    this.line = null;
    /** @type {import("../timeline/model.js").Word[]} */
    this.words = [];
    this.wordsCut = false;
    /** @type {number | null} */
    this.now = null;
    this.selected = "";
    /** @type {unknown} */
    this.error = null;
    /** @type {unknown} */
    this.lineError = null;
    /** @type {import("../timeline/after.js").Summary} */
    this.summary = { state: "unknown", text: "", message: "" };
    /** @type {any[] | null} */
    this.hooks = null;
  }

  /** Another session is looked at: nothing of the one before stays. */
  #clear() {
    this.session = this.line = this.now = this.error = this.lineError = this.hooks = null;
    this.words = [];
    this.wordsCut = false;
    this.selected = "";
    this.summary = { state: "unknown", text: "", message: "" };
    this.#summaryStatus = undefined;
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    this.#asking.abort();
  }

  /** @param {Map<PropertyKey, unknown>} changed */
  willUpdate(changed) {
    const id = this.route?.params.sessionId ?? "";
    if (!changed.has("route") || id === this.#id) return;
    this.#id = id;
    this.#clear();
    this.#load();
  }

  #path = (/** @type {string} */ more = "") => ofApp(`/sessions/${encodeURIComponent(this.#id)}${more}`);

  async #load() {
    this.#asking.abort();
    const { signal } = (this.#asking = new AbortController());
    this.error = null;
    const all = () => Promise.all([this.#ask(signal), this.#askWords(signal), this.#askHooks(signal)]);
    await all();
    if (signal.aborted || this.session?.status !== "LIVE") return;
    this.#watch(signal, all);
    while (!signal.aborted && this.session?.status === "LIVE") {
      await pause(LIVE_MS, signal).catch(() => {});
      if (!signal.aborted && !document.hidden) {
        await Promise.all([this.#ask(signal), this.#askWords(signal)]);
      }
    }
  }

  /** Who comes and goes, the end, and what is found after it: shown as soon as they are told.
   *  @param {AbortSignal} signal @param {() => void} all */
  #watch(signal, all) {
    let waiting = 0;
    const soon = () => {
      waiting ||= setTimeout(() => {
        waiting = 0;
        if (!signal.aborted) all();
      }, TOLD_MS);
    };
    followWhileSeen(ofApp("/live"), {
      signal,
      onOpen: soon,
      onEvent: ({ event, data }) => {
        if (event === "reset" || JSON.parse(data).id === this.#id) soon();
      },
    });
  }

  /** @param {AbortSignal} signal */
  async #ask(signal) {
    const drawn = get(this.#path("/timeline"), { signal }).then(
      (data) => {
        this.line = timelineOf(data);
        this.lineError = null;
      },
      (error) => {
        if (!signal.aborted) this.lineError = error;
      },
    );
    try {
      const session = await get(this.#path(), { signal });
      this.session = session;
      this.error = null;
      document.title = `${session.meeting_display_name || "Session"} · Roomtone`;
    } catch (error) {
      if (!signal.aborted && !this.session) this.error = error;
    }
    await drawn;
  }

  /** @param {AbortSignal} signal */
  async #askWords(signal) {
    try {
      /** @type {any[]} */
      const all = [];
      let after = "";
      for (let page = 0; page < WORD_PAGES; page += 1) {
        const some = await get(this.#path("/words"), { signal, query: { after } });
        all.push(...some.words);
        if (page === 0) this.#summaryIs(some.summary_status, signal);
        after = some.next ?? "";
        if (!after) break;
      }
      this.wordsCut = Boolean(after);
      if (all.length !== this.words.length || this.session?.status === "LIVE") this.words = wordsOf(all);
    } catch {
      // Words are beside the call; without them everything else stands.
    }
  }

  /** @param {AbortSignal} signal */
  async #askHooks(signal) {
    try {
      this.hooks = await get(this.#path("/deliveries"), { signal });
    } catch {
      this.hooks = null; // a token that may only read an older server's routes
    }
  }

  // --- the summary ------------------------------------------------------------------------------

  /** @param {string | null} status of the latest order @param {AbortSignal} signal */
  #summaryIs(status, signal) {
    if (status === this.#summaryStatus) return;
    this.#summaryStatus = status;
    if (status === null) this.summary = { state: "none", text: "", message: "None was asked for." };
    else if (status === "FAILED") this.summary = { state: "none", text: "", message: "The last one failed; the server's log says why." };
    else if (status === "COMPLETED") this.#askSummary(signal);
    else this.#wait(signal);
  }

  /** Ask how far it is until it is there. @param {AbortSignal} signal */
  async #wait(signal) {
    this.summary = { state: "making", text: "", message: "The summary is being made." };
    await pause(SUMMARY_MS, signal).catch(() => {});
    if (signal.aborted) return;
    try {
      const { summary_status } = await get(this.#path("/words"), { signal, query: { after: `${Date.now() + 1e9}:` } });
      if (summary_status === "COMPLETED" || summary_status === "FAILED") this.#summaryIs(summary_status, signal);
      else await this.#wait(signal);
    } catch (error) {
      if (!signal.aborted) this.summary = { state: "none", text: "", message: String(error) };
    }
  }

  /** @param {AbortSignal} signal */
  async #askSummary(signal) {
    try {
      const { summaryDownloadUrl } = await get(this.#path("/summary"), { signal });
      const text = await (await fetch(new URL(new URL(summaryDownloadUrl).pathname, location.href))).text();
      this.summary = { state: "made", text, message: "" };
    } catch (error) {
      if (signal.aborted) return;
      this.summary = { state: "none", text: "", message: error instanceof Error ? error.message : String(error) };
    }
  }

  #makeSummary = async () => {
    this.summary = { state: "making", text: "", message: "The summary is queued." };
    try {
      await post(this.#path("/summary"));
      this.#summaryStatus = "QUEUED";
      await this.#wait(this.#asking.signal);
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      this.summary = { state: "none", text: "", message };
    }
  };

  // --- what is seen -----------------------------------------------------------------------------

  render() {
    if (this.error) return html`<rt-error .error=${this.error} @retry=${() => this.#load()}></rt-error>`;
    const { session, line } = this;
    if (!session) return html`<rt-loading what="Loading the session"></rt-loading>`;
    const findings = this.#findings();
    const names = new Map((line?.peers ?? []).map((peer) => [peer.id, peer.name]));
    return html`
      ${this.#head(session)}
      ${verdictBox(session.verdict, Date.parse(session.started_at))}
      ${line
        ? line.rows.length
          ? html`<rt-timeline .line=${line} .words=${this.words} .selected=${this.selected}
              @moment=${(/** @type {CustomEvent} */ event) => (this.now = event.detail)}
              @pick=${(/** @type {CustomEvent} */ event) => this.#picked(event.detail)}></rt-timeline>`
          : html`<rt-empty heading="Nobody joined this session" text="As soon as somebody does, their bar stands here."></rt-empty>`
        : this.lineError
          ? html`<rt-error .error=${this.lineError} @retry=${() => this.#load()}></rt-error>`
          : html`<rt-loading what="Drawing the timeline"></rt-loading>`}
      <div class="session-columns">
        <section class="panel" aria-labelledby="findings-head">
          <h2 id="findings-head">Findings</h2>
          ${findingsList(findings, {
            selected: this.selected,
            pick: (one) => this.#show(one),
            names,
            measured: session.verdict?.outcome !== "unknown",
          })}
        </section>
        <section class="panel" aria-labelledby="words-head">
          <h2 id="words-head">Said and written</h2>
          ${this.words.length
            ? html`<rt-words .words=${this.words} .now=${this.now} ?cut=${this.wordsCut}
                @goto=${(/** @type {CustomEvent} */ event) => this.#goTo(event.detail)}></rt-words>`
            : html`<p class="quiet">No words came in. A <a href=${href("/import", { session: session.id })}>transcript or chat file</a>
                can be imported into this session.</p>`}
        </section>
      </div>
      ${line ? this.#people(line) : nothing}
      <div class="session-columns three">
        ${summaryPanel(this.summary, { make: this.#makeSummary, hasWords: this.words.some((word) => word.kind === "transcript") })}
        ${filesPanel(session, this.#path, this.words)}
        ${hooksPanel(this.hooks)}
      </div>`;
  }

  /** @param {any} session */
  #head(session) {
    const live = session.status === "LIVE";
    const ended = session.ended_at ? Date.parse(session.ended_at) : (this.line?.end ?? Date.now());
    return html`<nav class="crumbs" aria-label="Breadcrumb"><a href=${href("/sessions")}>Sessions</a></nav>
      <header class="page-head session-head">
        <h1>${session.meeting_display_name || "Untitled session"}</h1>
        ${live
          ? html`<rt-badge kind="live" text="Live"></rt-badge>`
          : html`<rt-badge kind="plain" text="Ended"></rt-badge>`}
        <p class="session-facts">
          <rt-time .at=${session.started_at}></rt-time>
          <span>${duration(ended - Date.parse(session.started_at))}</span>
          <span>${counted(session.total_participants, "person", "people")}, at most ${session.max_concurrent_participants} at once</span>
          <span>${minutes(session.minutes_consumed)} used</span>
        </p>
        <div class="session-actions">
          <button type="button" class="button small" @click=${() => showJson("The session", this.#path())}>Raw JSON</button>
          <rt-copy .text=${session.id} label="Copy id"></rt-copy>
        </div>
      </header>`;
  }

  #findings() {
    const { session, line } = this;
    if (Array.isArray(session?.findings)) {
      return session.findings.map((/** @type {any} */ one) => findingOf(one, line?.end ?? Date.parse(one.start)));
    }
    return (line?.peers ?? []).flatMap((peer) => peer.findings);
  }

  /** @param {import("../timeline/model.js").Timeline} line */
  #people(line) {
    const id = line.sessionId;
    return html`<section class="panel" aria-labelledby="people-head">
      <h2 id="people-head">People</h2>
      <rt-table caption="Everybody's connections" .rows=${line.peers} .columns=${PEOPLE}
        .link=${(/** @type {any} */ peer) => href(to("sessions", id, "peers", peer.id))}></rt-table>
    </section>`;
  }

  get #drawn() {
    return /** @type {any} */ (this.querySelector("rt-timeline"));
  }

  /** @param {number} t */
  #goTo(t) {
    this.#drawn?.goTo(t);
  }

  /** From the list: show it on the timeline. @param {import("../timeline/model.js").Finding} finding */
  #show(finding) {
    this.selected = finding.key;
    this.#goTo(finding.start);
    this.#drawn?.scrollIntoView({ block: "nearest" });
  }

  /** From the timeline: show it in the list. @param {import("../timeline/model.js").Finding} finding */
  async #picked(finding) {
    this.selected = finding.key;
    await this.updateComplete;
    const card = this.querySelector(`#${CSS.escape(`finding-${finding.key}`)}`);
    const folded = card?.closest("details:not([open])");
    if (folded) /** @type {HTMLDetailsElement} */ (folded).open = true;
    card?.scrollIntoView({ block: "nearest" });
  }
}

const PEOPLE = [
  { key: "who", label: "Who", grow: true, quiet: true, cell: (/** @type {any} */ peer) => peer.name },
  {
    key: "there",
    label: "There",
    cell: (/** @type {any} */ peer) =>
      html`<rt-time .at=${peer.spans[0]?.start ?? null}></rt-time>, ${duration(
        peer.spans.reduce((/** @type {number} */ sum, /** @type {any} */ span) => sum + span.end - span.start, 0),
      )}`,
  },
  {
    key: "with",
    label: "With",
    cell: (/** @type {any} */ peer) => [peer.browser, peer.os].filter(Boolean).join(", ") || "not known",
  },
  {
    key: "over",
    label: "Over",
    cell: (/** @type {any} */ peer) =>
      [peer.network, peer.path, peer.country].filter(Boolean).join(", ") || "not known",
  },
  { key: "in", label: "Received", cell: (/** @type {any} */ peer) => html`<rt-strip .mos=${peer.receivedMos}></rt-strip>` },
  { key: "out", label: "Sent", cell: (/** @type {any} */ peer) => html`<rt-strip .mos=${peer.sentMos}></rt-strip>` },
];

export const tag = define("rt-page-session", SessionPage);
