// @ts-check
import { html, nothing } from "../../vendor/lit.js";
import { ApiError } from "../api.js";
import { define, Element } from "./element.js";
import { icon } from "./icons.js";
import "./copy.js";

/**
 * `<rt-empty heading .text .body>`: nothing is here, and what to do about it.
 */
class Empty extends Element {
  static properties = { heading: {}, text: {}, body: { attribute: false } };

  constructor() {
    super();
    this.heading = "";
    this.text = "";
    /** @type {unknown} */
    this.body = nothing;
  }

  render() {
    return html`<section class="state">
      <h2>${this.heading}</h2>
      ${this.text ? html`<p>${this.text}</p>` : nothing}${this.body}
    </section>`;
  }
}

const ADVICE = /** @type {Record<number, string>} */ ({
  0: "Check that Roomtone runs and that this machine reaches it, then try again.",
  403: "Sign in with a token of this app, or of the scope that this needs.",
  404: "It may have been erased, or it belongs to another app: look at the app chosen above.",
  429: "Wait half a minute, then try again.",
  500: "The server's log tells why, under the request number above.",
  503: "The server's log tells why.",
});

/** `<rt-error .error @retry>`: what went wrong, in words, and what to do. */
class ErrorState extends Element {
  static properties = { error: { attribute: false }, retriable: { type: Boolean } };

  constructor() {
    super();
    /** @type {unknown} */
    this.error = null;
    this.retriable = true;
  }

  render() {
    if (!this.error) return nothing;
    const error = this.error;
    const message = error instanceof Error ? error.message : String(error);
    const advice = error instanceof ApiError ? ADVICE[error.status] : undefined;
    const faults = error instanceof ApiError && error.faults.length > 1 ? error.faults : [];
    return html`<section class="state state-error" role="alert">
      <h2>${icon("error")} ${message}</h2>
      ${faults.length ? html`<ul>${faults.map((one) => html`<li>${one.message}</li>`)}</ul>` : nothing}
      ${advice ? html`<p>${advice}</p>` : nothing}
      ${this.retriable
        ? html`<button type="button" class="button" @click=${this.#retry}>Try again</button>`
        : nothing}
    </section>`;
  }

  #retry = () => this.dispatchEvent(new CustomEvent("retry", { bubbles: true }));
}

/** `<rt-loading>`: shown only once waiting has become noticeable. */
class Loading extends Element {
  static properties = { what: {} };

  constructor() {
    super();
    this.what = "Loading";
  }

  render() {
    return html`<p class="loading" role="status"><span class="spinner" aria-hidden="true"></span>${this.what}…</p>`;
  }
}

define("rt-empty", Empty);
define("rt-error", ErrorState);
define("rt-loading", Loading);
