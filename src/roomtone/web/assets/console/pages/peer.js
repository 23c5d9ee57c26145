// @ts-check
import { html, nothing } from "../../vendor/lit.js";
import { get, ofApp } from "../api.js";
import { define, Element } from "../components.js";
import { counted, duration, mos, qualityOf, QUALITY_WORDS } from "../formats.js";
import { href, to } from "../router.js";
import { findingsList } from "../timeline/findings.js";
import { findingOf } from "../timeline/model.js";
import { eventsOf, factsOf, pathsOf } from "../timeline/peer_facts.js";
import { showJson } from "../timeline/raw.js";
import { CHARTS, chartOf } from "../timeline/stream_charts.js";
import { media, streamOfSeries, streamsOf } from "../timeline/streams.js";
import { styled } from "../timeline/style.js";

const LIVE_MS = 10_000;
const RECEIVERS = 7; // lines beside the picked one; more cannot be told apart

await styled("timeline/timeline.css");

/** `<rt-page-peer .route>`: one connection of one person, stream by stream. */
class PeerPage extends Element {
  static properties = {
    route: { attribute: false },
    who: { state: true },
    streams: { state: true },
    received: { state: true },
    picked: { state: true },
    error: { state: true },
    selected: { state: true },
  };

  #asking = new AbortController();
  #id = "";
  #timer = 0;

  constructor() {
    super();
    /** @type {import("../router.js").Route | null} */
    this.route = null;
    /** @type {any} */
    this.who = null;
    /** @type {import("../timeline/streams.js").Stream[]} */
    this.streams = [];
    /** @type {import("../timeline/streams.js").Stream[]} */
    this.received = [];
    this.picked = "";
    /** @type {unknown} */
    this.error = null;
    this.selected = "";
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    this.#asking.abort();
    clearTimeout(this.#timer);
  }

  /** @param {Map<PropertyKey, unknown>} changed */
  willUpdate(changed) {
    if (!changed.has("route") || !this.route) return;
    this.picked = this.route.query.get("stream") ?? this.picked;
    if (this.route.params.peerId === this.#id) return;
    this.#id = this.route.params.peerId;
    this.who = null;
    this.streams = this.received = [];
    this.#load();
  }

  async #load() {
    this.#asking.abort();
    clearTimeout(this.#timer);
    const { signal } = (this.#asking = new AbortController());
    const peer = encodeURIComponent(this.#id);
    this.error = null;
    try {
      const [report, received, people] = await Promise.all([
        get(ofApp(`/sessions/peer-report/${peer}`), { signal }),
        get(ofApp(`/sessions/peer-report/${peer}/received`), { signal }),
        get(ofApp(`/sessions/${encodeURIComponent(this.route?.params.sessionId ?? "")}/participants`), {
          signal,
          query: { per_page: 200 },
        }),
      ]);
      const names = new Map(people.participants.map((/** @type {any} */ one) => [one.id, one.display_name]));
      const start = Date.parse(received.start);
      this.received = received.series.map((/** @type {any} */ series) => streamOfSeries(series, start));
      this.streams = streamsOf(report.participant, names);
      this.who = report.participant;
      if (!this.streams.some((stream) => stream.key === this.picked)) this.picked = this.streams[0]?.key ?? "";
      document.title = `${this.who.display_name || "Peer"} · Roomtone`;
      if (this.who.left_at === null) this.#timer = setTimeout(() => (document.hidden ? this.#again() : this.#load()), LIVE_MS);
    } catch (error) {
      if (!signal.aborted) this.error = error;
    }
  }

  #again() {
    this.#timer = setTimeout(() => (document.hidden ? this.#again() : this.#load()), LIVE_MS);
  }

  render() {
    if (this.error) return html`<rt-error .error=${this.error} @retry=${() => this.#load()}></rt-error>`;
    const { who } = this;
    if (!who) return html`<rt-loading what="Loading the peer"></rt-loading>`;
    const session = this.route?.params.sessionId ?? who.session_id;
    const end = who.left_at ? Date.parse(who.left_at) : Date.now();
    const findings = (who.findings ?? []).map((/** @type {any} */ one) => findingOf(one, end));
    return html`<nav class="crumbs" aria-label="Breadcrumb"><a href=${href("/sessions")}>Sessions</a> /
        <a href=${href(to("sessions", session))}>Session</a></nav>
      <header class="page-head session-head">
        <h1>${who.display_name || who.custom_participant_id || "Unnamed"}</h1>
        ${who.left_at ? nothing : html`<rt-badge kind="live" text="Connected"></rt-badge>`}
        <p class="session-facts">
          <span>joined <rt-time precise .at=${who.joined_at}></rt-time></span>
          ${who.left_at ? html`<span>left <rt-time precise .at=${who.left_at}></rt-time></span>` : nothing}
          <span>${duration(end - Date.parse(who.joined_at))}</span>
          <span>${counted(this.streams.length, "stream")}</span>
        </p>
        <div class="session-actions">
          <button type="button" class="button small"
            @click=${() => showJson("The peer report", ofApp(`/sessions/peer-report/${encodeURIComponent(who.id)}`))}>Raw JSON</button>
          <rt-copy .text=${who.id} label="Copy id"></rt-copy>
        </div>
      </header>
      <section class="panel" aria-labelledby="facts-head"><h2 id="facts-head">Who and with what</h2>${factsOf(who)}</section>
      ${findings.length
        ? html`<section class="panel" aria-labelledby="findings-head"><h2 id="findings-head">Findings</h2>
            ${findingsList(findings, {
              selected: this.selected,
              pick: (one) => this.#findingPicked(one),
              names: new Map([[who.id, who.display_name]]),
            })}</section>`
        : nothing}
      <section class="panel" aria-labelledby="streams-head"><h2 id="streams-head">Streams</h2>
        ${this.streams.length ? this.#charts(who, findings, end) : html`<p class="quiet">No media was reported: nothing was sent or received.</p>`}
      </section>
      <section class="panel" aria-labelledby="path-head"><h2 id="path-head">Network path</h2>${pathsOf(who)}</section>
      <section class="panel" aria-labelledby="events-head"><h2 id="events-head">Events</h2>${eventsOf(who)}</section>`;
  }

  /** @param {any} who @param {import("../timeline/model.js").Finding[]} findings @param {number} end */
  #charts(who, findings, end) {
    const picked = this.streams.find((stream) => stream.key === this.picked) ?? this.streams[0];
    // Beside what was sent: the same kind of media as each of the others received it.
    const wanted = picked.source.replace("producer", "consumer");
    const others = picked.sends
      ? this.received.filter((stream) => stream.source === wanted && (!stream.id || stream.id === picked.id || !this.#knows(stream.id)))
      : [];
    const shown = [picked, ...others.slice(0, RECEIVERS)];
    // An echo that names no stream is about the call; it says nothing of this one.
    const concerned = findings.filter((one) => one.stream === picked.id || (one.stream === null && one.echo_of === null));
    const how = {
      from: Date.parse(who.joined_at) / 1000,
      to: end / 1000,
      findings: concerned,
      sync: `peer-${who.id}`,
      phone: innerWidth < 640,
    };
    return html`<div class="peer-streams">
      <div class="stream-list">
        <h3>Sent</h3>${this.streams.filter((stream) => stream.sends).map((stream) => this.#stream(stream))}
        <h3>Received</h3>${this.streams.filter((stream) => !stream.sends).map((stream) => this.#stream(stream))}
      </div>
      <div class="charts">
        ${others.length
          ? html`<p class="quiet">The heavy line is what was sent, as the receivers reported it back; the thin ones what
              ${counted(others.length, "person", "people")} received of it${others.length > RECEIVERS ? `, the ${RECEIVERS} worst of them` : ""}.</p>`
          : nothing}
        ${CHARTS.map((chart) => chartOf(chart, shown, how))}
      </div>
    </div>`;
  }

  /** Whether one of this peer's own producers has the id. @param {string} id */
  #knows(id) {
    return this.streams.some((stream) => stream.sends && stream.id === id);
  }

  /** @param {import("../timeline/streams.js").Stream} stream */
  #stream(stream) {
    const level = qualityOf(stream.mean);
    const whose = stream.sends ? media(stream.source) : `${stream.name}'s ${media(stream.source)}`;
    const words = stream.note ? `${whose}, ${stream.note}` : whose;
    return html`<button type="button" class="stream" data-stream=${stream.key} aria-pressed=${stream.key === this.picked}
      @click=${() => (this.picked = stream.key)}>
      <span>${words}</span>
      <span class="q-${level}"><b>${mos(stream.mean)}</b> <span class="heard">MOS, </span>${QUALITY_WORDS[level]}</span>
    </button>`;
  }

  /** @param {import("../timeline/model.js").Finding} finding */
  #findingPicked(finding) {
    this.selected = finding.key;
    const stream = this.streams.find((one) => one.id === finding.stream);
    if (stream) this.picked = stream.key;
    this.querySelector(".charts")?.scrollIntoView({ block: "nearest" });
  }
}

export const tag = define("rt-page-peer", PeerPage);
