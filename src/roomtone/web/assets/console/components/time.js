// @ts-check
import { html } from "../../vendor/lit.js";
import { exact, instant, moment, NONE, utc } from "../formats.js";
import { define, Element } from "./element.js";

/**
 * `<rt-time .at>`: a moment in the viewer's zone; UTC on hover. `precise`: with seconds.
 */
class Time extends Element {
  static properties = { at: {}, precise: { type: Boolean } };

  constructor() {
    super();
    /** @type {string | number | null} Epoch ms, or ISO 8601. */
    this.at = null;
    this.precise = false;
  }

  render() {
    if (this.at === null || this.at === undefined) return NONE;
    const ms = instant(this.at);
    const text = this.precise ? exact(ms) : moment(ms);
    return html`<time datetime=${new Date(ms).toISOString()} title=${utc(ms)}>${text}</time>`;
  }
}

define("rt-time", Time);
