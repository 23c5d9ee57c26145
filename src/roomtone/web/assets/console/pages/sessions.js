// @ts-check
import { html, nothing } from "../../vendor/lit.js";
import { follow, ofApp, request } from "../api.js";
import { define, Element, icon } from "../components.js";
import { counted, duration, instant, minutes, whole } from "../formats.js";
import { href, navigate, to } from "../router.js";
import { firstCall } from "./first-call.js";

const PER_PAGE = 25;
const TYPING_MS = 250;
const TICK_MS = 1000;
const REFRESH_MS = 700;

/** Filters in the address, by the API's own names. */
const FILTERS = ["search", "status", "start_time", "end_time", "finding", "min_severity", "browser", "country", "mos_below", "participants"];
/** Those that are behind "More filters". */
const MORE = ["start_time", "end_time", "finding", "browser", "country", "participants"];

/** @type {Record<string, string>} */
const SEVERITIES = { "": "Any findings", info: "Any noticed", warning: "Warnings or errors", error: "Errors" };

/** `<rt-page-sessions .route>`: every session of the app, live ones first and moving. */
class Sessions extends Element {
  static properties = {
    route: { attribute: false },
    rows: { state: true },
    liveRows: { state: true },
    total: { state: true },
    error: { state: true },
    loading: { state: true },
    connected: { state: true },
    more: { state: true },
    findings: { state: true },
    now: { state: true },
  };

  #asking = new AbortController();
  #following = /** @type {AbortController | null} */ (null);
  #typing = 0;
  #refreshing = 0;
  #ticking = 0;
  #asked = "";

  constructor() {
    super();
    /** @type {import("../router.js").Route | null} */
    this.route = null;
    /** @type {any[] | null} */
    this.rows = null;
    /** @type {any[]} */
    this.liveRows = [];
    this.total = 0;
    /** @type {unknown} */
    this.error = null;
    this.loading = false;
    this.connected = false;
    this.more = false;
    /** @type {{ id: string, title: string }[]} */
    this.findings = [];
    this.now = Date.now();
  }

  connectedCallback() {
    super.connectedCallback();
    document.title = "Sessions · Roomtone";
    document.addEventListener("visibilitychange", this.#watch);
    this.#watch();
    this.#ticking = setInterval(() => {
      if (this.liveRows.length && !document.hidden) this.now = Date.now();
    }, TICK_MS);
    this.#loadCatalogue();
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    document.removeEventListener("visibilitychange", this.#watch);
    this.#following?.abort();
    this.#asking.abort();
    clearInterval(this.#ticking);
    clearTimeout(this.#typing);
    clearTimeout(this.#refreshing);
  }

  /** @param {Map<PropertyKey, unknown>} changed */
  willUpdate(changed) {
    if (!changed.has("route") || !this.route) return;
    if (MORE.some((name) => this.route?.query.has(name))) this.more = true;
    const asked = this.route.query.toString();
    if (asked === this.#asked && this.rows) return;
    this.#asked = asked;
    this.#load();
  }

  /** @param {string} name */
  #value = (name) => this.route?.query.get(name) ?? "";

  get #page() {
    return Math.max(1, Number(this.#value("page_no")) || 1);
  }

  get #filtered() {
    return FILTERS.some((name) => this.#value(name));
  }

  async #load() {
    this.#asking.abort();
    const { signal } = (this.#asking = new AbortController());
    this.loading = true;
    const query = new URLSearchParams(this.route?.query);
    query.delete("app");
    const live = new URLSearchParams(query);
    live.set("status", "LIVE");
    live.set("per_page", "100");
    live.delete("page_no");
    // Live ones stand above every first page; what is asked for by status is one list.
    const apart = this.#page === 1 && !query.has("status") && !query.has("sort_by");
    query.set("per_page", String(PER_PAGE));
    try {
      const [all, going] = await Promise.all([
        request("GET", ofApp("/sessions"), { query, signal }),
        apart ? request("GET", ofApp("/sessions"), { query: live, signal }) : null,
      ]);
      this.liveRows = going?.data.sessions ?? [];
      const ids = new Set(this.liveRows.map((row) => row.id));
      this.rows = all.data.sessions.filter((/** @type {any} */ row) => !ids.has(row.id));
      this.total = all.paging.total_count;
      this.error = null;
      this.now = Date.now();
    } catch (error) {
      if (signal.aborted) return;
      this.error = error;
    }
    this.loading = false;
  }

  async #loadCatalogue() {
    try {
      const found = await request("GET", ofApp("/findings/catalogue"));
      const all = found.data.detectors;
      this.findings = all.map((/** @type {any} */ one) => ({ id: one.id, title: one.title ?? one.id }));
    } catch {
      this.findings = []; // then the filter is a field to type into
    }
  }

  // --- live -------------------------------------------------------------------------------------

  /** Follow only while somebody looks: a browser lends a site six connections for all its tabs. */
  #watch = () => {
    if (document.hidden) {
      this.#following?.abort();
      this.#following = null;
    } else if (!this.#following) {
      this.#following = new AbortController();
      const { signal } = this.#following;
      if (this.rows) this.#load();
      follow(ofApp("/live"), {
        signal,
        onState: (connected) => (this.connected = connected),
        onEvent: ({ event, data }) => (event === "session" ? this.#changed(JSON.parse(data)) : this.#load()),
      });
    }
  };

  /** @param {any} row */
  #changed(row) {
    this.now = Date.now();
    const update = (/** @type {any[]} */ rows) => rows.map((old) => (old.id === row.id ? { ...old, ...row } : old));
    const known = [...this.liveRows, ...(this.rows ?? [])].some((old) => old.id === row.id);
    const ended = row.status !== "LIVE" && this.liveRows.some((old) => old.id === row.id);
    if (known && !ended) {
      this.liveRows = update(this.liveRows);
      this.rows = this.rows && update(this.rows);
    } else if (!this.#filtered && this.#page === 1 && row.status === "LIVE") {
      this.liveRows = [row, ...this.liveRows];
      this.total += 1;
    } else {
      // Whether it fits the filters, and where it stands, the server knows; a burst asks once.
      clearTimeout(this.#refreshing);
      this.#refreshing = setTimeout(() => this.#load(), REFRESH_MS);
      this.liveRows = update(this.liveRows);
    }
  }

  // --- what is seen -----------------------------------------------------------------------------

  render() {
    const state = this.connected ? "Live" : "Connecting…";
    return html`
      <header class="page-head">
        <h1>Sessions</h1>
        <p class="live-state ${this.connected ? "on" : ""}" role="status">
          <span class="pulse" aria-hidden="true"></span>${state}
        </p>
      </header>
      ${this.#filters()}
      ${this.error ? html`<rt-error .error=${this.error} @retry=${() => this.#load()}></rt-error>` : this.#list()}
    `;
  }

  #list() {
    if (!this.rows) return html`<rt-loading what="Loading sessions"></rt-loading>`;
    const rows = [...this.liveRows, ...this.rows];
    if (!rows.length) return this.#nothing();
    return html`
      <rt-table caption="Sessions" .columns=${this.#columns()} .rows=${rows}
        .link=${(/** @type {any} */ row) => href(to("sessions", row.id))}
        .sortBy=${this.#value("sort_by") || "createdAt"} .descending=${this.#value("sort_order") !== "ASC"}
        ?busy=${this.loading} @sort=${this.#sort}></rt-table>
      <rt-paging noun=${this.total === 1 ? "session" : "sessions"} .total=${this.total} .page=${this.#page} .perPage=${PER_PAGE}
        @page=${(/** @type {CustomEvent} */ event) => this.#go({ page_no: event.detail === 1 ? "" : event.detail }, false)}></rt-paging>
    `;
  }

  #columns() {
    const { now } = this;
    return [
      {
        key: "title",
        label: "Session",
        grow: true,
        quiet: true,
        cell: (/** @type {any} */ row) => html`<span class="row-title">${row.meeting_display_name || "Untitled"}</span>`,
      },
      {
        key: "when",
        label: "Started",
        sort: "createdAt",
        cell: (/** @type {any} */ row) => html`<rt-time .at=${row.started_at}></rt-time>`,
      },
      {
        key: "length",
        label: "Length",
        numeric: true,
        cell: (/** @type {any} */ row) =>
          duration((row.ended_at ? instant(row.ended_at) : Math.max(now, instant(row.started_at))) - instant(row.started_at)),
      },
      {
        key: "people",
        label: "People",
        numeric: true,
        cell: (/** @type {any} */ row) => this.#people(row),
      },
      {
        key: "minutes",
        label: "Minutes",
        numeric: true,
        sort: "minutesConsumed",
        cell: (/** @type {any} */ row) => html`<span title="Minutes of all people together">${minutes(row.minutes_consumed)}</span>`,
      },
      {
        key: "quality",
        label: "Quality",
        cell: (/** @type {any} */ row) => row.status === "LIVE" && row.mos == null
          ? html`<span class="quiet">told at the end</span>`
          : html`<rt-strip .mos=${row.mos} .bins=${row.quality_strip} .found=${row.finding_strip}></rt-strip>`,
      },
      { key: "findings", label: "Findings", cell: (/** @type {any} */ row) => found(row) },
      { key: "status", label: "State", quiet: true, cell: (/** @type {any} */ row) => outcome(row) },
    ];
  }

  /** @param {any} row */
  #people(row) {
    const all = whole(row.total_participants);
    if (row.status !== "LIVE") return all;
    return html`<span title=${`${counted(row.live_participants, "connection")} now, ${counted(row.total_participants, "person", "people")} in all`}
      ><b>${whole(row.live_participants)}</b> now<span class="quiet"> / ${all}</span></span>`;
  }

  #nothing() {
    if (this.#filtered) {
      return html`<rt-empty heading="No session fits" text="Take away a filter, or look at a longer time."
        .body=${html`<button type="button" class="button" @click=${this.#clear}>Clear the filters</button>`}></rt-empty>`;
    }
    if (this.#page > 1) {
      return html`<rt-empty heading="The list ends before this page"
        .body=${html`<a class="button" href=${href("/sessions")}>To the first page</a>`}></rt-empty>`;
    }
    return firstCall();
  }

  // --- filters ----------------------------------------------------------------------------------

  #filters() {
    const value = this.#value;
    return html`<form class="filters" role="search" aria-label="Sessions" @submit=${(/** @type {Event} */ event) => event.preventDefault()}>
      <label class="search"><span class="heard">Search by title, meeting or session</span>${icon("search")}
        <input type="search" name="search" placeholder="Title, meeting or session id" maxlength="200"
          .value=${value("search")} @input=${this.#typed} />
        <kbd aria-hidden="true">/</kbd></label>
      ${this.#select("status", "State", { "": "Any state", LIVE: "Live", ENDED: "Ended" })}
      ${this.#select("min_severity", "Findings", SEVERITIES)}
      ${this.#select("mos_below", "Quality", { "": "Any quality", 3.6: "Below good (3.6)", 2.6: "Bad (below 2.6)" })}
      <button type="button" class="button quiet-button" aria-expanded=${this.more ? "true" : "false"} aria-controls="more-filters"
        @click=${() => (this.more = !this.more)}>${this.more ? "Fewer filters" : "More filters"}</button>
      ${this.#filtered
        ? html`<button type="button" class="button quiet-button" @click=${this.#clear}>${icon("close")} Clear</button>`
        : nothing}
      <div id="more-filters" class="filters more" ?hidden=${!this.more}>
        ${this.#day("start_time", "From")}
        ${this.#day("end_time", "Until")}
        ${this.findings.length
          ? this.#select("finding", "Finding", { "": "Any finding", ...Object.fromEntries(this.findings.map((one) => [one.id, one.title])) }, false)
          : this.#field("finding", "Finding", "its id")}
        ${this.#field("browser", "Browser", "Chrome, Firefox …")}
        ${this.#field("country", "Country", "DE, Germany …")}
        ${this.#field("participants", "People", "3: or 2:5")}
      </div>
    </form>`;
  }

  /** @param {string} name @param {string} label @param {Record<string, string>} choices */
  #select(name, label, choices, bare = true) {
    const now = this.#value(name);
    const known = now in choices ? choices : { ...choices, [now]: now };
    return html`<label class="field"><span class=${bare ? "heard" : ""}>${label}</span>
      <select name=${name} class=${now ? "set" : ""} @change=${this.#picked}>
        ${Object.entries(known)
          .sort(([one], [other]) => Number(one !== "") - Number(other !== ""))
          .map(([value, text]) => html`<option value=${value} ?selected=${value === now}>${text}</option>`)}
      </select></label>`;
  }

  /** @param {string} name @param {string} label @param {string} example */
  #field(name, label, example) {
    return html`<label class="field"><span>${label}</span>
      <input name=${name} maxlength="100" placeholder=${example} class=${this.#value(name) ? "set" : ""}
        .value=${this.#value(name)} @input=${this.#typed} /></label>`;
  }

  /** A day in the viewer's zone; the address holds the moment that it means.
   *  @param {string} name @param {string} label */
  #day(name, label) {
    const at = this.#value(name);
    const shown = at ? dayOf(new Date(at)) : "";
    return html`<label class="field"><span>${label}</span>
      <input type="date" name=${name} class=${at ? "set" : ""} .value=${shown} @change=${this.#dated} /></label>`;
  }

  /** @param {Event} event */
  #dated = (event) => {
    const { name, value } = /** @type {HTMLInputElement} */ (event.target);
    const time = name === "end_time" ? "T23:59:59.999" : "T00:00:00";
    const at = value ? new Date(value + time) : null;
    this.#go({ [name]: at && !Number.isNaN(at.getTime()) ? at.toISOString() : "", page_no: "" }, true);
  };

  /** @param {Event} event */
  #picked = (event) => {
    const { name, value } = /** @type {HTMLSelectElement} */ (event.target);
    this.#go({ [name]: value, page_no: "" }, true);
  };

  /** @param {Event} event */
  #typed = (event) => {
    const { name, value } = /** @type {HTMLInputElement} */ (event.target);
    clearTimeout(this.#typing);
    this.#typing = setTimeout(() => this.#go({ [name]: value.trim(), page_no: "" }, true), TYPING_MS);
  };

  #clear = () => navigate("/sessions");

  /** @param {CustomEvent} event */
  #sort = (event) => {
    const same = (this.#value("sort_by") || "createdAt") === event.detail;
    const ascending = same && this.#value("sort_order") !== "ASC";
    this.#go({
      sort_by: event.detail === "createdAt" ? "" : event.detail,
      sort_order: ascending ? "ASC" : "",
      page_no: "",
    }, true);
  };

  /** @param {Record<string, unknown>} changes @param {boolean} replace */
  #go(changes, replace) {
    const query = Object.fromEntries(this.route?.query ?? []);
    delete query.app;
    navigate("/sessions", { ...query, ...changes }, { replace });
  }
}

/** @param {any} row */
function found(row) {
  const counts = row.finding_counts;
  if (!counts) return html`<span class="quiet">–</span>`;
  const kinds = /** @type {const} */ (["error", "warning", "info"]);
  const some = kinds.filter((kind) => counts[kind]);
  if (!some.length) return html`<span class="quiet">none</span>`;
  return html`<span class="badges">${some.map(
    (kind) => html`<rt-badge kind=${kind} text=${whole(counts[kind])}
      hint=${counted(counts[kind], kind === "info" ? "note" : kind)}></rt-badge>`,
  )}</span>`;
}

/** @param {any} row */
function outcome(row) {
  if (row.status === "LIVE") return html`<rt-badge kind="live" text="Live"></rt-badge>`;
  const verdict = row.outcome;
  const words = /** @type {Record<string, string>} */ ({ good: "Good", fair: "Fair", bad: "Bad" });
  return verdict && words[verdict]
    ? html`<rt-badge kind=${verdict} text=${words[verdict]}></rt-badge>`
    : html`<rt-badge kind="plain" text="Ended"></rt-badge>`;
}

/** @param {Date} at */
function dayOf(at) {
  const two = (/** @type {number} */ number) => String(number).padStart(2, "0");
  return Number.isNaN(at.getTime()) ? "" : `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
}

export const tag = define("rt-page-sessions", Sessions);
