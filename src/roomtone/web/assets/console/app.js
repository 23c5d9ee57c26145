// @ts-check
import { html, nothing } from "../vendor/lit.js";
import { ApiError, context, request, SIGNED_OUT } from "./api.js";
import { define, Element, icon } from "./components.js";
import { KEYS, listen } from "./keyboard.js";
import { current, HOME, href, keepApp, load, navigate } from "./router.js";
import { setTheme, theme } from "./theme.js";
import "./sign-in.js";

const APP_KEY = "roomtone.app";

/** @typedef {import("./components/icons.js").IconName} IconName */
/** @typedef {import("./router.js").Route} Route */

/** @type {{ path: string, label: string, glyph: IconName }[]} */
const PLACES = [
  { path: HOME, label: "Sessions", glyph: "sessions" },
  { path: "/overview", label: "Overview", glyph: "overview" },
  { path: "/import", label: "Import", glyph: "import" },
  { path: "/settings", label: "Settings", glyph: "settings" },
];

const THEMES = /** @type {const} */ ({
  auto: { next: "light", label: "Theme: as the system", glyph: "auto" },
  light: { next: "dark", label: "Theme: light", glyph: "sun" },
  dark: { next: "auto", label: "Theme: dark", glyph: "moon" },
});

/** `<rt-console>`: the frame around every page, or the way in. */
class Console extends Element {
  static properties = {
    stage: { state: true },
    error: { state: true },
    route: { state: true },
    tag: { state: true },
    failed: { state: true },
    helping: { state: true },
  };

  constructor() {
    super();
    /** @type {"waiting" | "out" | "in"} */
    this.stage = "waiting";
    /** @type {unknown} */
    this.error = null;
    /** @type {Route | null} */
    this.route = null;
    this.tag = "";
    /** @type {unknown} */
    this.failed = null;
  }

  connectedCallback() {
    super.connectedCallback();
    addEventListener("hashchange", this.#moved);
    addEventListener(SIGNED_OUT, () => (this.stage = "out"));
    listen(() => this.#dialog()?.showModal());
    this.#enter();
  }

  /** Sign in by the link's ticket if there is one, else by the cookie. */
  async #enter() {
    const ticket = location.hash.match(/^#\/enter\/([\w.-]+)$/)?.[1];
    if (ticket) history.replaceState(null, "", `#${HOME}`); // it is used up: nobody may copy it
    try {
      const asked = ticket
        ? request("POST", "/console/sign-in", { body: { ticket } })
        : request("GET", "/console/me");
      this.#welcome((await asked).data);
    } catch (error) {
      // Whoever has an old link is often signed in already.
      if (ticket && error instanceof ApiError && error.status === 401) {
        try {
          this.#welcome((await request("GET", "/console/me")).data);
          return;
        } catch {
          // not signed in: what was wrong with the link is what matters
        }
      }
      this.error = !ticket && error instanceof ApiError && error.status === 401 ? null : error;
      this.stage = "out";
    }
  }

  /** @param {any} me */
  #welcome(me) {
    context.me = me;
    context.apps = me.apps;
    this.error = null;
    this.stage = "in";
    this.#moved();
  }

  #moved = async () => {
    if (!context.me) {
      if (/^#\/enter\//.test(location.hash)) await this.#enter();
      return;
    }
    const route = current();
    this.#choose(route?.query.get("app") ?? null);
    this.failed = null;
    if (route) {
      try {
        this.tag = await load(route.page);
      } catch (error) {
        this.failed = error;
      }
    }
    const before = this.route?.path;
    this.route = route;
    await this.updateComplete;
    if (before !== undefined && before !== route?.path) {
      scrollTo(0, 0);
      // Else a screen reader would not notice that the page is another one.
      if (document.activeElement === document.body) this.#main()?.focus({ preventScroll: true });
    }
  };

  /** @param {string | null} asked the app's id that the address names */
  #choose(asked) {
    const { apps } = context;
    const wanted = asked ?? localStorage.getItem(APP_KEY);
    context.app = apps.find((app) => app.id === wanted) ?? apps[0] ?? null;
    keepApp(apps.length > 1 && context.app ? context.app.id : null);
    if (context.app) localStorage.setItem(APP_KEY, context.app.id);
  }

  #dialog = () => /** @type {HTMLDialogElement | null} */ (this.querySelector("dialog.help"));
  #main = () => /** @type {HTMLElement | null} */ (this.querySelector("main"));

  #signOut = async () => {
    await request("POST", "/console/sign-out").catch(() => {});
    context.me = null;
    context.app = null;
    this.route = null;
    this.stage = "out";
  };

  render() {
    if (this.stage === "waiting") return html`<main class="alone"><rt-loading></rt-loading></main>`;
    if (this.stage === "out") {
      return html`<rt-sign-in .error=${this.error}
        @signed-in=${(/** @type {CustomEvent} */ event) => this.#welcome(event.detail)}></rt-sign-in>`;
    }
    return html`
      <a class="skip" href="#main" @click=${this.#skip}>Skip to the content</a>
      <div class="frame">
        <header class="side">
          <a class="brand" href=${href(HOME)}>
            <img src="/assets/console/icon.svg" alt="" width="24" height="24" />Roomtone
          </a>
          ${this.#apps()}
          <nav class="places" aria-label="Console">
            ${PLACES.map((place) => this.#place(place))}
          </nav>
          <div class="tools">${this.#tools()}</div>
        </header>
        <main id="main" tabindex="-1">${this.#page()}</main>
      </div>
      ${this.#help()}
    `;
  }

  /** @param {Event} event */
  #skip = (event) => {
    event.preventDefault();
    this.#main()?.focus();
  };

  #apps() {
    const { apps, app } = context;
    if (apps.length < 2) return html`<p class="app-name" title="App">${app?.name ?? "No app"}</p>`;
    return html`<label class="app-choice"><span class="heard">App</span>
      <select @change=${this.#switch}>
        ${apps.map((one) => html`<option value=${one.id} ?selected=${one.id === app?.id}>${one.name}</option>`)}
      </select></label>`;
  }

  /** @param {Event} event */
  #switch = (event) => {
    const chosen = /** @type {HTMLSelectElement} */ (event.target).value;
    // Another app has other sessions: stay on the page where that makes sense.
    const page = this.route?.page ?? "";
    const path = ["overview", "import", "settings"].includes(page) ? (this.route?.path ?? HOME) : HOME;
    keepApp(chosen);
    navigate(path, { app: chosen });
  };

  /** @param {typeof PLACES[number]} place */
  #place({ path, label, glyph }) {
    const here = this.route?.path.startsWith(path);
    return html`<a href=${href(path)} aria-current=${here ? "page" : nothing}>${icon(glyph)}<span>${label}</span></a>`;
  }

  #tools() {
    const shown = THEMES[theme()];
    const turn = () => {
      setTheme(shown.next);
      this.requestUpdate();
    };
    const who = context.me?.token.name ?? "";
    return html`
      <button type="button" class="tool" @click=${turn} title=${shown.label} aria-label=${shown.label}>${icon(shown.glyph)}</button>
      <button type="button" class="tool only-wide" @click=${() => this.#dialog()?.showModal()} title="Keys (?)" aria-label="Keys">${icon("keyboard")}</button>
      <button type="button" class="tool" @click=${this.#signOut} title=${`Sign out (signed in with the token “${who}”)`} aria-label="Sign out">${icon("leave")}</button>`;
  }

  #page() {
    if (this.failed) return html`<rt-error .error=${this.failed} @retry=${this.#moved}></rt-error>`;
    if (!this.route) {
      return html`<rt-empty heading="Nothing is here" text="The address may be incomplete."
        .body=${html`<a class="button" href=${href(HOME)}>To the sessions</a>`}></rt-empty>`;
    }
    if (!context.app && this.route.page !== "settings") {
      return html`<rt-empty heading="There is no app yet" text="Sessions belong to an app. Make the first one."
        .body=${html`<a class="button primary" href=${href("/settings/apps")}>Make an app</a>`}></rt-empty>`;
    }
    return html`<rt-outlet .tag=${this.tag} .route=${this.route} .app=${context.app?.id ?? ""}></rt-outlet>`;
  }

  #help() {
    return html`<dialog class="help" aria-labelledby="keys">
      <form method="dialog">
        <h2 id="keys">Keys</h2>
        <dl>${KEYS.map(([key, what]) => html`<dt>${key.split(/\s+/).map((one) => html`<kbd>${one}</kbd> `)}</dt><dd>${what}</dd>`)}</dl>
        <button class="button">Close</button>
      </form>
    </dialog>`;
  }
}

/** `<rt-outlet .tag .route .app>`: the page itself; another app makes it anew. */
class Outlet extends Element {
  static properties = { tag: { attribute: false }, route: { attribute: false }, app: { attribute: false } };

  constructor() {
    super();
    this.tag = "";
    this.app = "";
    /** @type {Route | null} */
    this.route = null;
  }

  /** @param {Map<PropertyKey, unknown>} changed */
  updated(changed) {
    if (!this.tag) return;
    let page = /** @type {any} */ (this.firstElementChild);
    if (!page || changed.has("tag") || changed.has("app")) {
      page = document.createElement(this.tag);
      page.route = this.route;
      this.replaceChildren(page);
    } else {
      page.route = this.route;
    }
  }
}

define("rt-outlet", Outlet);
define("rt-console", Console);
