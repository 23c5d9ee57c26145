// @ts-check
import { html, nothing } from "../../vendor/lit.js";
import { context } from "../api.js";
import { define, Element } from "../components.js";
import { href } from "../router.js";
import "./settings-apps.js";
import "./settings-tokens.js";
import "./settings-webhooks.js";

const SECTIONS = [
  { name: "apps", label: "Apps" },
  { name: "tokens", label: "API tokens" },
  { name: "webhooks", label: "Webhooks" },
];

/** `<rt-page-settings .route>`: apps, API tokens, webhooks. */
class Settings extends Element {
  static properties = { route: { attribute: false } };

  constructor() {
    super();
    /** @type {import("../router.js").Route | null} */
    this.route = null;
  }

  get #section() {
    const wanted = this.route?.params.section;
    return SECTIONS.find((one) => one.name === wanted)?.name ?? "apps";
  }

  render() {
    const section = this.#section;
    document.title = `${SECTIONS.find((one) => one.name === section)?.label} · Roomtone`;
    return html`
      <header class="page-head"><h1>Settings</h1>
        <nav class="segments" aria-label="Settings">
          ${SECTIONS.map(({ name, label }) => html`<a class="segment" href=${href(`/settings/${name}`)}
            aria-current=${name === section ? "page" : nothing}>${label}</a>`)}
        </nav>
      </header>
      ${context.me?.scope === "read"
        ? html`<p class="note banner">You are signed in with a token that may only read. To change anything, sign in with one of the scope <code>admin</code>.</p>`
        : nothing}
      ${this.#inside(section)}
    `;
  }

  /** @param {string} section */
  #inside(section) {
    if (section === "tokens") return html`<rt-settings-tokens></rt-settings-tokens>`;
    if (section === "webhooks") return html`<rt-settings-webhooks .webhookId=${this.route?.params.id ?? ""}></rt-settings-webhooks>`;
    return html`<rt-settings-apps></rt-settings-apps>`;
  }
}

export const tag = define("rt-page-settings", Settings);
