// @ts-check
import { html, nothing } from "../vendor/lit.js";
import { request } from "./api.js";
import { define, Element, icon } from "./components.js";

/** `<rt-sign-in .error @signed-in>`: the way in, by an API token pasted once. */
class SignIn extends Element {
  static properties = { error: { attribute: false }, busy: { state: true } };

  constructor() {
    super();
    /** @type {unknown} */
    this.error = null;
    this.busy = false;
  }

  render() {
    const message = this.error instanceof Error ? this.error.message : "";
    return html`<main class="alone">
      <form class="card sign-in" @submit=${this.#submit}>
        <h1><img src="/assets/console/icon.svg" alt="" width="32" height="32" /> Roomtone</h1>
        <p>Open the link that <code>roomtone serve</code> printed, or print another where it runs:</p>
        <pre tabindex="0" aria-label="Command">roomtone console</pre>
        <p class="or"><span>or</span></p>
        <label for="token">API token</label>
        <input id="token" name="token" type="password" autocomplete="off" spellcheck="false" required
          placeholder="rt_…" aria-describedby="token-note" aria-invalid=${message ? "true" : nothing} />
        <p id="token-note" class="note">It is exchanged for a cookie of 12 hours that pages cannot read.</p>
        ${message ? html`<p class="fault" role="alert">${icon("error")} ${message}</p>` : nothing}
        <button class="button primary" ?disabled=${this.busy}>Sign in</button>
      </form>
    </main>`;
  }

  /** @param {SubmitEvent} event */
  #submit = async (event) => {
    event.preventDefault();
    const field = /** @type {HTMLInputElement} */ (this.querySelector("#token"));
    this.busy = true;
    this.error = null;
    try {
      const body = { token: field.value.trim() };
      const { data } = await request("POST", "/console/sign-in", { body });
      field.value = "";
      this.dispatchEvent(new CustomEvent("signed-in", { detail: data }));
    } catch (error) {
      this.error = error;
      field.select();
    } finally {
      this.busy = false;
    }
  };
}

define("rt-sign-in", SignIn);
