// @ts-check
import { html } from "../../vendor/lit.js";
import { define, Element } from "./element.js";
import { icon } from "./icons.js";

/** @typedef {import("./icons.js").IconName} IconName */

/**
 * `<rt-badge kind .text>`: a short word with its glyph. Kinds: error, warning, info; good, fair,
 * bad, unknown; live; plain.
 */
class Badge extends Element {
  static properties = { kind: {}, text: {}, hint: {} };

  constructor() {
    super();
    this.kind = "plain";
    this.text = "";
    /** What a screen reader says in place of a bare number. */
    this.hint = "";
  }

  render() {
    const glyph =
      this.kind === "live"
        ? html`<span class="pulse" aria-hidden="true"></span>`
        : this.kind === "plain"
          ? ""
          : icon(/** @type {IconName} */ (this.kind));
    const said = this.hint
      ? html`<span aria-hidden="true">${this.text}</span><span class="heard">${this.hint}</span>`
      : this.text;
    return html`<span class="badge badge-${this.kind}" title=${this.hint}>${glyph}${said}</span>`;
  }
}

define("rt-badge", Badge);
