// @ts-check
import { html, nothing } from "../../vendor/lit.js";
import { context, del, get, ofAccount, post } from "../api.js";
import { define, Element } from "../components.js";

const SCOPES = { admin: "everything", read: "only reads" };

/** `<rt-settings-tokens>`: API tokens: make one (shown once), revoke one. */
class Tokens extends Element {
  static properties = {
    rows: { state: true },
    error: { state: true },
    fault: { state: true },
    issued: { state: true },
    asking: { state: true },
    busy: { state: true },
  };

  constructor() {
    super();
    /** @type {any[] | null} */
    this.rows = null;
    /** @type {unknown} */
    this.error = null;
    /** @type {unknown} */
    this.fault = null;
    /** @type {{ text: string, name: string } | null} */
    this.issued = null;
    /** The id of the token that is asked about before it is revoked. */
    this.asking = "";
    this.busy = false;
  }

  connectedCallback() {
    super.connectedCallback();
    this.#load();
  }

  async #load() {
    try {
      this.rows = await get(ofAccount("/tokens"));
      this.error = null;
    } catch (error) {
      this.error = error;
    }
  }

  render() {
    if (this.error) return html`<rt-error .error=${this.error} @retry=${() => this.#load()}></rt-error>`;
    if (!this.rows) return html`<rt-loading what="Loading tokens"></rt-loading>`;
    const rows = [...this.rows].sort((one, other) => Number(!!one.revoked_at) - Number(!!other.revoked_at) || other.created_at.localeCompare(one.created_at));
    return html`
      ${context.me?.scope === "admin" ? this.#form() : nothing}
      <section class="card"><h2>API tokens</h2>
        <rt-table caption="API tokens" .columns=${this.#columns()} .rows=${rows}></rt-table>
      </section>`;
  }

  #columns() {
    const apps = new Map(context.apps.map((app) => [app.id, app.name]));
    return [
      { key: "name", label: "Name", grow: true, quiet: true, cell: (/** @type {any} */ row) => html`<span class="row-title">${row.name}</span>
          ${row.id === context.me?.token.id ? html`<rt-badge text="you are signed in with it"></rt-badge>` : nothing}` },
      { key: "scope", label: "May", cell: (/** @type {any} */ row) => SCOPES[/** @type {"admin" | "read"} */ (row.scope)] ?? row.scope },
      { key: "app", label: "App", cell: (/** @type {any} */ row) => (row.app_id ? (apps.get(row.app_id) ?? html`<code>${row.app_id}</code>`) : "every app") },
      { key: "made", label: "Made", cell: (/** @type {any} */ row) => html`<rt-time .at=${row.created_at}></rt-time>` },
      { key: "state", label: "State", quiet: true, cell: (/** @type {any} */ row) => this.#state(row) },
    ];
  }

  /** @param {any} row */
  #state(row) {
    if (row.revoked_at) return html`<span class="quiet">revoked <rt-time .at=${row.revoked_at}></rt-time></span>`;
    if (context.me?.scope !== "admin") return html`<rt-badge kind="good" text="In use"></rt-badge>`;
    if (this.asking !== row.id) {
      return html`<button type="button" class="button small" @click=${() => (this.asking = row.id)}
        aria-label=${`Revoke ${row.name}`}>Revoke</button>`;
    }
    const own = row.id === context.me?.token.id;
    return html`<span class="row ask" role="group" aria-label=${`Revoke ${row.name}?`}>
      <span>${own ? "This signs you out. " : ""}Whoever uses it is locked out at once.</span>
      <button type="button" class="button small danger" ?disabled=${this.busy} @click=${() => this.#revoke(row.id)}>Revoke for good</button>
      <button type="button" class="button small" @click=${() => (this.asking = "")}>Keep</button></span>`;
  }

  #form() {
    return html`<section class="card"><h2>New API token</h2>
      <form class="row-form" @submit=${this.#make}>
        <label class="field"><span>What it is for</span><input name="name" required maxlength="512" autocomplete="off" /></label>
        <label class="field"><span>May</span><select name="scope">
          <option value="read">only read</option><option value="admin">do everything</option></select></label>
        <label class="field"><span>App</span><select name="app_id"><option value="">every app</option>
          ${context.apps.map((app) => html`<option value=${app.id}>${app.name}</option>`)}</select></label>
        <button class="button primary" ?disabled=${this.busy}>Make the token</button>
      </form>
      <rt-error .error=${this.fault} .retriable=${false}></rt-error>
      ${this.issued
        ? html`<div class="once" role="status">
            <p><b>${this.issued.name}</b>: copy it now. Only its hash is stored, so it is not shown again.</p>
            <p class="row"><code class="secret">${this.issued.text}</code><rt-copy .text=${this.issued.text} label="Copy the token"></rt-copy>
              <button type="button" class="button small" @click=${() => (this.issued = null)}>I have it</button></p>
          </div>`
        : nothing}
    </section>`;
  }

  /** @param {SubmitEvent} event */
  #make = async (event) => {
    event.preventDefault();
    const form = /** @type {HTMLFormElement} */ (event.target);
    const given = new FormData(form);
    this.busy = true;
    try {
      const { token, text } = await post(ofAccount("/tokens"), {
        name: given.get("name"),
        scope: given.get("scope"),
        app_id: given.get("app_id") || null,
      });
      this.issued = { text, name: token.name };
      this.fault = null;
      form.reset();
      await this.#load();
    } catch (error) {
      this.fault = error;
    }
    this.busy = false;
  };

  /** @param {string} id */
  async #revoke(id) {
    this.busy = true;
    try {
      await del(ofAccount(`/tokens/${encodeURIComponent(id)}`));
      this.asking = "";
    } catch (error) {
      this.fault = error;
    }
    this.busy = false;
    await this.#load();
  }
}

define("rt-settings-tokens", Tokens);
