// @ts-check
import { html, nothing, svg } from "../../vendor/lit.js";
import { get, ofApp } from "../api.js";
import { define, Element } from "../components.js";
import { counted, day, minutes, mos, NONE, qualityOf, QUALITY_WORDS, whole } from "../formats.js";
import { href, navigate, to } from "../router.js";
import { firstCall } from "./first-call.js";

const DAY_MS = 86_400_000;
const RANGES = [
  { name: "24h", label: "Last 24 hours", ms: DAY_MS },
  { name: "7d", label: "7 days", ms: 7 * DAY_MS },
  { name: "30d", label: "30 days", ms: 30 * DAY_MS },
];
const USUAL = "7d";

/** `<rt-page-overview .route>`: how calls went, over any span of time. */
class Overview extends Element {
  static properties = {
    route: { attribute: false },
    data: { state: true },
    error: { state: true },
    loading: { state: true },
  };

  #asking = new AbortController();

  constructor() {
    super();
    /** @type {import("../router.js").Route | null} */
    this.route = null;
    /** @type {any} */
    this.data = null;
    /** @type {unknown} */
    this.error = null;
    this.loading = false;
  }

  connectedCallback() {
    super.connectedCallback();
    document.title = "Overview · Roomtone";
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    this.#asking.abort();
  }

  /** @param {Map<PropertyKey, unknown>} changed */
  willUpdate(changed) {
    if (changed.has("route")) this.#load();
  }

  /** @param {string} name */
  #value = (name) => this.route?.query.get(name) ?? "";

  get #range() {
    if (this.#value("start_time")) {
      return { start_time: this.#value("start_time"), end_time: this.#value("end_time") };
    }
    const { ms } = RANGES.find((one) => one.name === this.#value("range")) ?? RANGES[1];
    // To the minute: the same question within it may be answered from memory.
    const now = Math.ceil(Date.now() / 60_000) * 60_000;
    return { start_time: new Date(now - ms).toISOString(), end_time: new Date(now).toISOString() };
  }

  async #load() {
    this.#asking.abort();
    const { signal } = (this.#asking = new AbortController());
    this.loading = true;
    try {
      this.data = await get(ofApp("/analytics/overview"), { query: this.#range, signal });
      this.error = null;
    } catch (error) {
      if (signal.aborted) return;
      this.error = error;
    }
    this.loading = false;
  }

  render() {
    return html`
      <header class="page-head"><h1>Overview</h1>${this.#ranges()}</header>
      ${this.error
        ? html`<rt-error .error=${this.error} @retry=${() => this.#load()}></rt-error>`
        : this.data
          ? html`<div aria-busy=${this.loading ? "true" : "false"}>${this.#shown()}</div>`
          : html`<rt-loading what="Adding up"></rt-loading>`}
    `;
  }

  #ranges() {
    const own = this.#value("start_time");
    const chosen = own ? "" : this.#value("range") || USUAL;
    return html`<form class="ranges" aria-label="Span of time" @submit=${(/** @type {Event} */ event) => event.preventDefault()}>
      <div class="segments" role="group" aria-label="Span">
        ${RANGES.map(({ name, label }) => html`<a class="segment" href=${href("/overview", { range: name === USUAL ? "" : name })}
          aria-current=${name === chosen ? "true" : nothing}>${label}</a>`)}
      </div>
      <label class="field"><span>From</span><input type="date" name="from" .value=${own.slice(0, 10)} @change=${this.#dated} /></label>
      <label class="field"><span>Until</span><input type="date" name="until" .value=${this.#value("end_time").slice(0, 10)} @change=${this.#dated} /></label>
    </form>`;
  }

  /** Days of the statistics are days in UTC, as the API counts them. */
  #dated = () => {
    const given = (/** @type {string} */ name) =>
      /** @type {HTMLInputElement} */ (this.querySelector(`input[name=${name}]`)).value;
    const from = given("from");
    const until = given("until") || new Date().toISOString().slice(0, 10);
    if (!from) return;
    navigate("/overview", {
      range: "",
      start_time: `${from}T00:00:00.000Z`,
      end_time: `${until < from ? from : until}T23:59:59.999Z`,
    }, { replace: true });
  };

  #shown() {
    const { totals } = this.data;
    if (!totals.sessions) {
      const narrow = this.#value("range") !== "30d" && !this.#value("start_time");
      return narrow
        ? html`<rt-empty heading="No session in this span" text="Look at a longer time, or send the first call."
            .body=${html`<a class="button" href=${href("/overview", { range: "30d" })}>The last 30 days</a>`}></rt-empty>`
        : firstCall();
    }
    return html`
      <dl class="figures">
        ${figure("Sessions", whole(totals.sessions))}
        ${figure("Minutes, all people", minutes(totals.session_minutes))}
        ${figure("Connections", whole(totals.peers))}
        ${figure("Mean MOS", html`<rt-strip .mos=${totals.mos_avg}></rt-strip>`)}
        ${figure("Errors", html`<rt-badge kind=${totals.errors ? "error" : "good"} text=${whole(totals.errors)}></rt-badge>`)}
        ${figure("Warnings", html`<rt-badge kind=${totals.warnings ? "warning" : "good"} text=${whole(totals.warnings)}></rt-badge>`)}
      </dl>
      <div class="panels">
        ${panel("Sessions per day", this.#perDay("sessions", "sessions"), "half")}
        ${panel("Participant minutes per day", this.#perDay("session_minutes", "min"), "half")}
        ${panel("Quality of connections (MOS)", distribution(this.data.mos), "half")}
        ${panel("What was found", this.#findings(), "half")}
        ${panel("Worst calls", this.#worst(), "full")}
        ${panel("By browser", groups(this.data.browsers, "browser"), "third")}
        ${panel("By network", groups(this.data.networks), "third")}
        ${panel("By country", groups(this.data.countries, "country"), "third")}
      </div>
      <p class="note">Days are days in UTC. MOS is estimated from what each connection received, 1 to 4.5.</p>
    `;
  }

  /** @param {"sessions" | "session_minutes"} key @param {string} unit */
  #perDay(key, unit) {
    const days = this.data.days.filter((/** @type {any} */ one) => one);
    const names = days.map((/** @type {any} */ one) => day(Date.parse(`${one.day.slice(0, 10)}T12:00:00Z`)));
    const values = days.map((/** @type {any} */ one) => one[key]);
    return columns(names, values, unit);
  }

  #worst() {
    const { worst } = this.data;
    if (!worst.length) return html`<p class="quiet">No call was measured in this span.</p>`;
    const table = [
      { key: "title", label: "Session", grow: true, quiet: true, cell: (/** @type {any} */ row) => html`<span class="row-title">${row.title || "Untitled"}</span>` },
      { key: "when", label: "Started", cell: (/** @type {any} */ row) => html`<rt-time .at=${row.started_at}></rt-time>` },
      { key: "quality", label: "Quality", cell: (/** @type {any} */ row) => html`<rt-strip .mos=${row.mos} .bins=${row.quality_strip} .found=${row.finding_strip}></rt-strip>` },
      {
        key: "findings",
        label: "Findings",
        cell: (/** @type {any} */ row) => html`<span class="badges">
          ${row.errors ? html`<rt-badge kind="error" text=${whole(row.errors)} hint=${counted(row.errors, "error")}></rt-badge>` : nothing}
          ${row.warnings ? html`<rt-badge kind="warning" text=${whole(row.warnings)} hint=${counted(row.warnings, "warning")}></rt-badge>` : nothing}
          ${row.errors || row.warnings ? nothing : html`<span class="quiet">none</span>`}</span>`,
      },
    ];
    return html`<rt-table caption="Worst calls" .columns=${table} .rows=${worst} .key=${(/** @type {any} */ row) => row.session_id}
      .link=${(/** @type {any} */ row) => href(to("sessions", row.session_id))}></rt-table>`;
  }

  #findings() {
    const found = this.data.findings;
    if (!found.length) return html`<p class="all-well"><rt-badge kind="good" text="Nothing was found"></rt-badge></p>`;
    return html`<ul class="bars">${found.slice(0, 12).map(
      (/** @type {any} */ one) => html`<li>
        <a href=${href("/sessions", { finding: one.id, ...this.#asFilter() })}>
          <rt-badge kind=${one.severity} text=${one.title ?? one.id.replaceAll("_", " ")}></rt-badge></a>
        <span class="numeric">${counted(one.sessions, "session")} · ${counted(one.peers, "connection")}</span></li>`,
    )}</ul>`;
  }

  #asFilter() {
    const { start_time, end_time } = this.#range;
    return { start_time, end_time };
  }
}

/** @param {string} label @param {unknown} value */
const figure = (label, value) => html`<div><dt>${label}</dt><dd>${value}</dd></div>`;

/** @param {string} heading @param {unknown} inside @param {string} size */
const panel = (heading, inside, size) =>
  html`<section class="card panel panel-${size}"><h2>${heading}</h2>${inside}</section>`;

/**
 * Columns with their numbers, and the same as a table for who cannot see them.
 * @param {string[]} names @param {number[]} values @param {string} unit
 */
function columns(names, values, unit) {
  const most = Math.max(...values, 1);
  const [width, height] = [600, 150];
  const step = width / Math.max(values.length, 1);
  const wide = Math.min(step * 0.7, 56);
  const labelled = Math.ceil(values.length / 8);
  return html`<figure class="columns">
    <svg viewBox="0 0 ${width} ${height + 34}" role="img" aria-label=${`${unit} per day; the numbers follow`}>
      <line class="rule" x1="0" x2=${width} y1=${height + 14} y2=${height + 14} />
      ${values.map((value, at) => {
        const tall = value ? Math.max(2, (value / most) * (height - 6)) : 0;
        const x = at * step + step / 2;
        return svg`<g>
          <title>${names[at]}: ${whole(value)} ${unit}</title>
          <rect class="hit" x=${at * step} y="0" width=${step} height=${height + 14} />
          <rect class="bar" x=${x - wide / 2} y=${height + 14 - tall} width=${wide} height=${tall} rx="2" />
          ${value && (values.length <= 14 || value === most)
            ? svg`<text x=${x} y=${height + 9 - tall} text-anchor="middle">${whole(value)}</text>` : nothing}
          ${at % labelled === 0
            ? svg`<text class=${(at / labelled) % 2 ? "between" : ""} x=${x} y=${height + 30} text-anchor="middle">${names[at].replace(/[, ]*\d{4}$/, "")}</text>` : nothing}
        </g>`;
      })}
    </svg>
    <table class="heard"><tbody>${values.map((value, at) => html`<tr><th scope="row">${names[at]}</th><td>${whole(value)} ${unit}</td></tr>`)}</tbody></table>
  </figure>`;
}

/** @param {{ bins: { from: number, to: number, peers: number }[], avg: number | null }} found */
function distribution({ bins, avg }) {
  const total = bins.reduce((sum, bin) => sum + bin.peers, 0);
  if (!total) return html`<p class="quiet">Nobody's quality could be measured in this span.</p>`;
  const most = Math.max(...bins.map((bin) => bin.peers));
  const [width, height] = [600, 150];
  const step = width / bins.length;
  const shares = /** @type {const} */ (["good", "fair", "bad"]).map((level) => ({
    level,
    share: bins.filter((bin) => qualityOf((bin.from + bin.to) / 2) === level).reduce((sum, bin) => sum + bin.peers, 0) / total,
  }));
  return html`<figure class="columns">
    <svg viewBox="0 0 ${width} ${height + 34}" role="img" aria-label=${`MOS of ${counted(total, "connection")}, mean ${mos(avg)}`}>
      <line class="rule" x1="0" x2=${width} y1=${height + 14} y2=${height + 14} />
      ${bins.map((bin, at) => {
        const level = qualityOf((bin.from + bin.to) / 2);
        const tall = bin.peers ? Math.max(2, (bin.peers / most) * (height - 6)) : 0;
        const whole_ = Number.isInteger(Math.round(bin.from * 100) / 50);
        return svg`<g>
          <title>MOS ${mos(bin.from)} to ${mos(bin.to)}: ${counted(bin.peers, "connection")}, ${QUALITY_WORDS[level]}</title>
          <rect class="hit" x=${at * step} y="0" width=${step} height=${height + 14} />
          <rect class="fill-${level}" x=${at * step + 1} y=${height + 14 - tall} width=${step - 2} height=${tall} rx="2" />
          ${whole_ ? svg`<text x=${Math.max(10, at * step)} y=${height + 30} text-anchor="middle">${bin.from.toFixed(1)}</text>` : nothing}
        </g>`;
      })}
    </svg>
    <figcaption class="badges">${shares.map(
      ({ level, share }) => html`<rt-badge kind=${level} text=${`${Math.round(share * 100)} % ${level}`}></rt-badge>`,
    )}</figcaption>
  </figure>`;
}

/** @param {{ name: string, peers: number, mos_avg: number | null }[]} rows @param {string} [filter] */
function groups(rows, filter) {
  if (!rows?.length) return html`<p class="quiet">Not known in this span.</p>`;
  const most = Math.max(...rows.map((row) => row.peers));
  return html`<ul class="bars">${rows.slice(0, 10).map(
    (row) => html`<li>
      <span class="bar-name">${filter && row.name ? html`<a href=${href("/sessions", { [filter]: row.name })}>${row.name}</a>` : row.name || NONE}</span>
      <rt-strip .mos=${row.mos_avg}></rt-strip>
      <span class="numeric">${whole(row.peers)}</span>
      <svg class="bar-line" viewBox="0 0 100 3" preserveAspectRatio="none" aria-hidden="true"><rect class="bar" width=${(row.peers / most) * 100} height="3" rx="1.5" /></svg>
    </li>`,
  )}</ul>`;
}

export const tag = define("rt-page-overview", Overview);
