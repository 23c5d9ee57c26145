// @ts-check
import { html, nothing } from "../../vendor/lit.js";
import { whole } from "../formats.js";
import { define, Element } from "./element.js";
import { icon } from "./icons.js";

/**
 * `<rt-paging .total .page .perPage>`: where one is in a list, however long. Fires `page` with the
 * page's number as its detail. Beyond a few pages a number can be typed.
 */
class Paging extends Element {
  static properties = {
    total: { attribute: false },
    page: { attribute: false },
    perPage: { attribute: false },
    noun: {},
  };

  constructor() {
    super();
    this.total = 0;
    this.page = 1;
    this.perPage = 20;
    this.noun = "rows";
  }

  get #last() {
    return Math.max(1, Math.ceil(this.total / this.perPage));
  }

  render() {
    const first = (this.page - 1) * this.perPage + 1;
    const end = Math.min(this.total, this.page * this.perPage);
    const range = this.total
      ? html`<b>${whole(first)}–${whole(end)}</b> of <b>${whole(this.total)}</b> ${this.noun}`
      : `No ${this.noun}`;
    return html`<nav class="paging" aria-label="Pages">
      <p role="status">${range}</p>
      ${this.#last > 1
        ? html`<div class="paging-steps">
            ${this.#step("Previous page", "back", this.page - 1)}
            <label>Page
              <input type="number" min="1" max=${this.#last} .value=${String(this.page)}
                @change=${(/** @type {Event} */ event) =>
                  this.#go(Number(/** @type {HTMLInputElement} */ (event.target).value))} />
              of ${whole(this.#last)}</label>
            ${this.#step("Next page", "next", this.page + 1)}
          </div>`
        : nothing}
    </nav>`;
  }

  /** @param {string} label @param {"back" | "next"} glyph @param {number} page */
  #step(label, glyph, page) {
    return html`<button type="button" class="button small square" aria-label=${label} title=${label}
      ?disabled=${page < 1 || page > this.#last} @click=${() => this.#go(page)}>${icon(glyph)}</button>`;
  }

  /** @param {number} page */
  #go(page) {
    const detail = Math.min(this.#last, Math.max(1, Math.round(page) || 1));
    this.dispatchEvent(new CustomEvent("page", { detail, bubbles: true }));
  }
}

define("rt-paging", Paging);
