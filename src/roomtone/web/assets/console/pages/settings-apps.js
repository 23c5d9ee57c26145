// @ts-check
import { html, nothing } from "../../vendor/lit.js";
import { context, get, ofAccount, post } from "../api.js";
import { define, Element } from "../components.js";
import { href } from "../router.js";

/** `<rt-settings-apps>`: the apps of the account, and a new one. */
class Apps extends Element {
  static properties = { error: { state: true }, busy: { state: true } };

  constructor() {
    super();
    /** @type {unknown} */
    this.error = null;
    this.busy = false;
  }

  render() {
    const columns = [
      { key: "name", label: "Name", grow: true, quiet: true, cell: (/** @type {any} */ app) => html`<span class="row-title">${app.name}</span>
          ${app.id === context.app?.id ? html`<rt-badge text="chosen"></rt-badge>` : nothing}` },
      { key: "id", label: "App id", cell: (/** @type {any} */ app) => html`<span class="row"><code>${app.id}</code><rt-copy .text=${app.id}></rt-copy></span>` },
      { key: "made", label: "Made", cell: (/** @type {any} */ app) => html`<rt-time .at=${app.created_at}></rt-time>` },
    ];
    return html`
      <section class="card"><h2>Account</h2>
        <p class="row">${context.me?.account.name} · <code>${context.me?.account.id}</code>
          <rt-copy .text=${context.me?.account.id ?? ""} label="Copy the id"></rt-copy></p></section>
      <section class="card"><h2>Apps</h2>
        <p class="note">An app keeps its own meetings, sessions, presets and webhooks; make one for each product or stage.</p>
        ${context.apps.length ? html`<rt-table caption="Apps" .columns=${columns} .rows=${context.apps}
          .link=${(/** @type {any} */ app) => href("/sessions", { app: app.id })}></rt-table>` : nothing}
        ${context.me?.scope === "admin" && context.me.app_id === null ? this.#form() : nothing}
      </section>`;
  }

  #form() {
    return html`<form class="row-form" @submit=${this.#make}>
      <label class="field"><span>Name of a new app</span><input name="name" required maxlength="512" autocomplete="off" /></label>
      <button class="button primary" ?disabled=${this.busy}>Make the app</button>
    </form><rt-error .error=${this.error} .retriable=${false}></rt-error>`;
  }

  /** @param {SubmitEvent} event */
  #make = async (event) => {
    event.preventDefault();
    const form = /** @type {HTMLFormElement} */ (event.target);
    this.busy = true;
    try {
      await post(ofAccount("/apps"), { name: new FormData(form).get("name") });
      context.apps = await get(ofAccount("/apps"), { query: { per_page: 1000, sort_order: "ASC" } });
      form.reset();
      this.error = null;
      // The switcher at the side has one more.
      dispatchEvent(new HashChangeEvent("hashchange"));
    } catch (error) {
      this.error = error;
    }
    this.busy = false;
  };
}

define("rt-settings-apps", Apps);
