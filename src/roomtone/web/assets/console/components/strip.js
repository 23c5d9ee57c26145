// @ts-check
import { html, nothing, svg } from "../../vendor/lit.js";
import { mos, QUALITY_WORDS, qualityOf } from "../formats.js";
import { define, Element } from "./element.js";
import { icon } from "./icons.js";

const CELLS = 10;
const STEP = 6;
const HEIGHT = 14;
const UNDER = 4;
/** @type {Record<string, string>} */
const LINES = { error: "bad", warning: "fair" };

/**
 * `<rt-strip .mos .bins .found>`: quality at a glance. With `bins` (a MOS each, null where nothing
 * was measured) a strip over time; else a meter of the mean. Low bars are bad ones: height says what
 * colour says, and the number and its word stand beside it. A line under the bars tells when a
 * warning or an error was found (`found`, a severity each), thick for an error.
 */
class Strip extends Element {
  static properties = { mos: { attribute: false }, bins: { attribute: false }, found: { attribute: false }, bare: { type: Boolean } };

  constructor() {
    super();
    /** @type {number | null | undefined} */
    this.mos = null;
    /** @type {(number | null)[] | null} */
    this.bins = null;
    /** @type {(string | null)[] | null} */
    this.found = null;
    this.bare = false;
  }

  render() {
    const level = qualityOf(this.mos);
    const drawn = this.bins?.length ? this.#bars(this.bins) : this.#meter();
    if (this.bare) return drawn;
    const hint = this.bins?.length ? "From start to end; a line below where a warning or an error was found" : nothing;
    return html`<span class="strip" title=${hint}>
      ${drawn}
      <span class="strip-said q-${level}">
        ${icon(level)}<b>${mos(this.mos)}</b>
        <span class="strip-word">${QUALITY_WORDS[level]}</span>
        <span class="heard">estimated MOS</span>
      </span>
    </span>`;
  }

  #meter() {
    const level = qualityOf(this.mos);
    // MOS runs from 1 to 4.5 (ITU-T G.107).
    const full = this.mos == null ? 0 : Math.round(((this.mos - 1) / 3.5) * CELLS);
    const cells = Array.from({ length: CELLS }, (_, at) => {
      const height = 5 + at;
      const kind = at < full ? `fill-${level}` : "fill-none";
      return svg`<rect class=${kind} x=${at * STEP} y=${HEIGHT - height} width="4" height=${height} rx="1" />`;
    });
    return this.#svg(CELLS * STEP - 2, cells);
  }

  /** @param {(number | null)[]} bins */
  #bars(bins) {
    const bars = bins.map((value, at) => {
      const height = value === null ? 1 : 3 + ((value - 1) / 3.5) * (HEIGHT - 3);
      const kind = value === null ? "fill-none" : `fill-${qualityOf(value)}`;
      return svg`<rect class=${kind} x=${at * 3} y=${HEIGHT - height} width="2.2" height=${height} />`;
    });
    const lines = (this.found ?? []).map((severity, at) => {
      const level = severity && LINES[severity];
      if (!level) return "";
      const thick = severity === "error" ? 3 : 1.5;
      return svg`<path class="fill-${level}" d="M${at * 3} ${HEIGHT + 1}h3v${thick}h-3z" />`;
    });
    return this.#svg(bins.length * 3, [...bars, ...lines], HEIGHT + UNDER);
  }

  /** @param {number} width @param {unknown[]} inside */
  #svg(width, inside, height = HEIGHT) {
    return html`<svg class="strip-drawn" viewBox="0 0 ${width} ${height}" width=${width} height=${height}
      aria-hidden="true" focusable="false">${inside}</svg>`;
  }
}

define("rt-strip", Strip);
