// @ts-check
import { html, nothing } from "../../vendor/lit.js";
import { context, ofApp, post, request } from "../api.js";
import { define, Element } from "../components.js";
import { href, to } from "../router.js";

const PER_PAGE = 25;
const LOOK_MS = 4000;

const STATES = /** @type {Record<string, { kind: string, text: string }>} */ ({
  DELIVERED: { kind: "good", text: "Delivered" },
  PENDING: { kind: "info", text: "Waiting" },
  FAILED: { kind: "error", text: "Failed" },
});

/** `<rt-webhook-log .webhookId>`: what was sent to a webhook, what came back, and sending again. */
class WebhookLog extends Element {
  static properties = {
    webhookId: { attribute: false },
    rows: { state: true },
    total: { state: true },
    page: { state: true },
    status: { state: true },
    error: { state: true },
    said: { state: true },
    open: { state: true },
  };

  #looking = 0;

  constructor() {
    super();
    this.webhookId = "";
    /** @type {any[] | null} */
    this.rows = null;
    this.total = 0;
    this.page = 1;
    this.status = "";
    /** @type {unknown} */
    this.error = null;
    this.said = "";
    /** The id of the delivery that is shown whole. */
    this.open = "";
  }

  connectedCallback() {
    super.connectedCallback();
    this.#load();
    this.#looking = setInterval(() => {
      if (!document.hidden && this.rows?.some((row) => row.status === "PENDING")) this.#load();
    }, LOOK_MS);
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    clearInterval(this.#looking);
  }

  get #url() {
    return ofApp(`/webhooks/${encodeURIComponent(this.webhookId)}`);
  }

  async #load() {
    const query = { page_no: this.page, per_page: PER_PAGE, status: this.status };
    try {
      const answer = await request("GET", `${this.#url}/deliveries`, { query });
      this.rows = answer.data;
      this.total = answer.paging.total_count;
      this.error = null;
    } catch (error) {
      this.error = error;
    }
  }

  render() {
    return html`<section class="card"><h2>Log</h2>
      <form class="row-form" @submit=${(/** @type {Event} */ event) => event.preventDefault()}>
        <label class="field"><span>State</span><select @change=${(/** @type {Event} */ event) => {
          this.status = /** @type {HTMLSelectElement} */ (event.target).value;
          this.page = 1;
          this.#load();
        }}><option value="">Any</option>${Object.entries(STATES).map(([value, { text }]) => html`<option value=${value}>${text}</option>`)}</select></label>
      </form>
      <p class="note" role="status">${this.said}</p>
      ${this.error ? html`<rt-error .error=${this.error} @retry=${() => this.#load()}></rt-error>` : this.#list()}
      ${context.me?.scope === "admin" ? this.#range() : nothing}
    </section>`;
  }

  #list() {
    if (!this.rows) return html`<rt-loading></rt-loading>`;
    if (!this.rows.length) {
      return html`<p class="quiet">${this.status ? "None in this state." : "Nothing was sent yet: it is told of what happens from now on."}</p>`;
    }
    const shown = this.rows.find((row) => row.id === this.open);
    return html`<rt-table caption="Deliveries" .columns=${this.#columns()} .rows=${this.rows}></rt-table>
      ${shown ? this.#whole(shown) : nothing}
      <rt-paging noun="deliveries" .total=${this.total} .page=${this.page} .perPage=${PER_PAGE}
        @page=${(/** @type {CustomEvent} */ event) => {
          this.page = event.detail;
          this.#load();
        }}></rt-paging>`;
  }

  #columns() {
    return [
      { key: "event", label: "Event", grow: true, quiet: true, cell: (/** @type {any} */ row) => html`<code>${row.event}</code>` },
      { key: "when", label: "Queued", cell: (/** @type {any} */ row) => html`<rt-time precise .at=${row.created_at}></rt-time>` },
      { key: "status", label: "State", cell: (/** @type {any} */ row) => html`<rt-badge kind=${STATES[row.status]?.kind ?? "plain"} text=${STATES[row.status]?.text ?? row.status}></rt-badge>` },
      { key: "answer", label: "Answer", cell: (/** @type {any} */ row) => html`${row.response_status ?? row.error ?? "–"}<span class="quiet"> · ${row.tries} ${row.tries === 1 ? "try" : "tries"}</span>` },
      { key: "act", label: "Actions", quiet: true, cell: (/** @type {any} */ row) => html`<span class="row">
          <button type="button" class="button small" aria-expanded=${row.id === this.open ? "true" : "false"} @click=${() => (this.open = this.open === row.id ? "" : row.id)}>Details</button>
          ${context.me?.scope === "admin" ? html`<button type="button" class="button small" @click=${() => this.#again(row)}>Send again</button>` : nothing}</span>` },
    ];
  }

  /** @param {any} row */
  #whole(row) {
    const body = JSON.stringify(row.payload, null, 2);
    return html`<article class="detail" aria-label=${`Delivery ${row.id}`}>
      <dl class="facts">
        <dt>Delivery</dt><dd><code>${row.id}</code> <span class="quiet">(sent as rtk-uuid)</span></dd>
        ${row.session_id ? html`<dt>Session</dt><dd><a href=${href(to("sessions", row.session_id))}>${row.session_id}</a></dd>` : nothing}
        ${row.next_try_at ? html`<dt>Next try</dt><dd><rt-time precise .at=${row.next_try_at}></rt-time></dd>` : nothing}
        ${row.delivered_at ? html`<dt>Delivered</dt><dd><rt-time precise .at=${row.delivered_at}></rt-time></dd>` : nothing}
        ${row.error ? html`<dt>Error</dt><dd>${row.error}</dd>` : nothing}
        ${row.response_body ? html`<dt>What was answered</dt><dd><pre tabindex="0" aria-label="Answer">${row.response_body}</pre></dd>` : nothing}
        <dt>Body</dt><dd><pre tabindex="0" aria-label="Body">${body}</pre><rt-copy .text=${body}></rt-copy></dd>
      </dl></article>`;
  }

  /** @param {any} row */
  async #again(row) {
    try {
      await post(`${this.#url}/deliveries/${encodeURIComponent(row.id)}/replay`);
      this.said = `${row.event} is being sent again, under the same rtk-uuid.`;
      await this.#load();
    } catch (error) {
      this.error = error;
    }
  }

  #range() {
    return html`<details><summary>Send a span of time again</summary>
      <form class="row-form" @submit=${this.#replay}>
        <label class="field"><span>From</span><input name="from" type="datetime-local" required /></label>
        <label class="field"><span>Until</span><input name="to" type="datetime-local" required /></label>
        <button class="button">Send again</button>
      </form></details>`;
  }

  /** @param {SubmitEvent} event */
  #replay = async (event) => {
    event.preventDefault();
    const given = new FormData(/** @type {HTMLFormElement} */ (event.target));
    const at = (/** @type {string} */ name) => new Date(String(given.get(name))).toISOString();
    try {
      const { replayed } = await post(`${this.#url}/replay`, { from: at("from"), to: at("to") });
      this.said = `${replayed} ${replayed === 1 ? "delivery is" : "deliveries are"} being sent again, in their order.`;
      await this.#load();
    } catch (error) {
      this.error = error;
    }
  };
}

define("rt-webhook-log", WebhookLog);
