// @ts-check
import { html, nothing } from "../../vendor/lit.js";
import { context, del, get, ofApp, patch, post } from "../api.js";
import { define, Element, icon } from "../components.js";
import { href, navigate } from "../router.js";
import "./webhook-log.js";

/** `<rt-settings-webhooks .webhookId>`: who is told of what; one of them with its log. */
class Webhooks extends Element {
  static properties = {
    webhookId: { attribute: false },
    rows: { state: true },
    events: { state: true },
    error: { state: true },
    fault: { state: true },
    making: { state: true },
    removing: { state: true },
    busy: { state: true },
  };

  constructor() {
    super();
    this.webhookId = "";
    /** @type {any[] | null} */
    this.rows = null;
    /** @type {string[]} */
    this.events = [];
    /** @type {unknown} */
    this.error = null;
    /** @type {unknown} */
    this.fault = null;
    this.making = false;
    this.removing = false;
    this.busy = false;
  }

  connectedCallback() {
    super.connectedCallback();
    this.#load();
  }

  async #load() {
    if (!context.app) {
      this.error = new Error("Make an app first: webhooks belong to one.");
      return;
    }
    try {
      [this.rows, this.events] = await Promise.all([get(ofApp("/webhooks")), get(ofApp("/webhooks/all"))]);
      this.error = null;
    } catch (error) {
      this.error = error;
    }
  }

  get #admin() {
    return context.me?.scope === "admin";
  }

  render() {
    if (this.error) return html`<rt-error .error=${this.error} @retry=${() => this.#load()}></rt-error>`;
    if (!this.rows) return html`<rt-loading what="Loading webhooks"></rt-loading>`;
    if (this.webhookId) return this.#one();
    return html`
      ${this.rows.length
        ? html`<section class="card"><h2>Webhooks of ${context.app?.name}</h2>
            <rt-table caption="Webhooks" .columns=${this.#columns()} .rows=${this.rows}
              .link=${(/** @type {any} */ row) => href(`/settings/webhooks/${encodeURIComponent(row.id)}`)}></rt-table></section>`
        : html`<rt-empty heading="Nobody is told of anything yet"
            text="A webhook is a URL of yours that Roomtone calls when a meeting starts or ends, when somebody joins, when a transcript is ready."></rt-empty>`}
      ${this.#admin ? (this.making ? this.#form() : html`<p><button type="button" class="button primary" @click=${() => (this.making = true)}>New webhook</button></p>`) : nothing}
    `;
  }

  #columns() {
    return [
      { key: "name", label: "Name", grow: true, quiet: true, cell: (/** @type {any} */ row) => html`<span class="row-title">${row.name}</span>` },
      { key: "url", label: "URL", cell: (/** @type {any} */ row) => html`<code class="cut" title=${row.url}>${row.url}</code>` },
      { key: "events", label: "Events", numeric: true, cell: (/** @type {any} */ row) => html`<span title=${row.events.join(", ")}>${row.events.length}</span>` },
      { key: "state", label: "State", cell: (/** @type {any} */ row) => html`<rt-badge kind=${row.enabled ? "good" : "unknown"} text=${row.enabled ? "On" : "Off"}></rt-badge>` },
    ];
  }

  #form() {
    return html`<section class="card"><h2>New webhook</h2>
      <form class="stack-form" @submit=${this.#make}>
        <label class="field"><span>Name</span><input name="name" required maxlength="512" autocomplete="off" /></label>
        <label class="field"><span>URL</span><input name="url" type="url" required placeholder="https://example.com/hooks" autocomplete="off" /></label>
        <fieldset><legend>Events</legend>
          ${this.events.map((event) => html`<label class="tick"><input type="checkbox" name="events" value=${event} checked /> <code>${event}</code></label>`)}
        </fieldset>
        <rt-error .error=${this.fault} .retriable=${false}></rt-error>
        <p class="row"><button class="button primary" ?disabled=${this.busy}>Make the webhook</button>
          <button type="button" class="button" @click=${() => (this.making = false)}>Cancel</button></p>
      </form></section>`;
  }

  /** @param {SubmitEvent} event */
  #make = async (event) => {
    event.preventDefault();
    const given = new FormData(/** @type {HTMLFormElement} */ (event.target));
    this.busy = true;
    try {
      await post(ofApp("/webhooks"), { name: given.get("name"), url: given.get("url"), events: given.getAll("events") });
      this.making = false;
      this.fault = null;
      await this.#load();
    } catch (error) {
      this.fault = error;
    }
    this.busy = false;
  };

  // --- one of them ------------------------------------------------------------------------------

  #one() {
    const back = html`<p><a class="back" href=${href("/settings/webhooks")}>${icon("back")} All webhooks</a></p>`;
    const hook = this.rows?.find((row) => row.id === this.webhookId);
    if (!hook) return html`${back}<rt-empty heading="No such webhook" text="It was deleted, or it belongs to another app."></rt-empty>`;
    return html`${back}
      <section class="card"><h2>${hook.name}</h2>
        <dl class="facts">
          <dt>URL</dt><dd class="row"><code class="wrap">${hook.url}</code><rt-copy .text=${hook.url}></rt-copy></dd>
          <dt>Events</dt><dd>${hook.events.map((/** @type {string} */ event) => html`<code>${event}</code> `)}</dd>
          <dt>State</dt><dd><rt-badge kind=${hook.enabled ? "good" : "unknown"} text=${hook.enabled ? "On" : "Off: what happens waits in the log"}></rt-badge></dd>
          <dt>Made</dt><dd><rt-time .at=${hook.created_at}></rt-time></dd>
        </dl>
        <rt-error .error=${this.fault} .retriable=${false}></rt-error>
        ${this.#admin ? this.#actions(hook) : nothing}
      </section>
      <rt-webhook-log .webhookId=${hook.id}></rt-webhook-log>`;
  }

  /** @param {any} hook */
  #actions(hook) {
    const url = ofApp(`/webhooks/${encodeURIComponent(hook.id)}`);
    if (this.removing) {
      return html`<p class="row ask" role="group" aria-label="Delete the webhook?"><span>Its log goes with it, and what waits is not sent.</span>
        <button type="button" class="button danger" ?disabled=${this.busy} @click=${() => this.#act(async () => {
          await del(url);
          this.removing = false;
          navigate("/settings/webhooks");
        })}>Delete for good</button>
        <button type="button" class="button" @click=${() => (this.removing = false)}>Keep</button></p>`;
    }
    return html`<p class="row">
      <button type="button" class="button" ?disabled=${this.busy} @click=${() => this.#act(() => patch(url, { enabled: !hook.enabled }))}>${hook.enabled ? "Switch off" : "Switch on"}</button>
      <button type="button" class="button" @click=${() => (this.removing = true)}>Delete…</button></p>`;
  }

  /** @param {() => Promise<unknown>} work */
  async #act(work) {
    this.busy = true;
    try {
      await work();
      this.fault = null;
    } catch (error) {
      this.fault = error;
    }
    this.busy = false;
    await this.#load();
  }
}

define("rt-settings-webhooks", Webhooks);
