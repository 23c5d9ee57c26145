// @ts-check
import { define, Element } from "./element.js";

/** @type {Promise<any> | null} */
let library = null;

/** uPlot, fetched with its style sheet the first time that something is drawn. */
async function uplot() {
  library ??= Promise.all([import("../../vendor/uplot.js"), styled()]).then(([found]) => found.default);
  return library;
}

/** @returns {Promise<void>} */
function styled() {
  return new Promise((resolve) => {
    const link = document.createElement("link");
    link.rel = "stylesheet";
    link.href = new URL("../../vendor/uplot.css", import.meta.url).href;
    link.onload = link.onerror = () => resolve();
    document.head.append(link);
  });
}

/**
 * The colour of a design token, as a canvas needs it.
 * @param {string} name such as `--good`
 */
export const colour = (name) =>
  getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** Axes in the colours of the theme. @param {object} [more] */
export const axis = (more = {}) => ({
  stroke: () => colour("--text-3"),
  grid: { stroke: () => colour("--line"), width: 1 },
  ticks: { stroke: () => colour("--line"), width: 1, size: 4 },
  font: `12px ${colour("--sans") || "sans-serif"}`,
  ...more,
});

/**
 * `<rt-chart .data .options label>`: uPlot around the element's width and the theme.
 *
 * `options(uPlot)` gives uPlot's options without size; it is called anew when the theme changes.
 * `label` is what a screen reader says; the numbers belong in a table nearby.
 */
class Chart extends Element {
  static properties = {
    data: { attribute: false },
    options: { attribute: false },
    height: { type: Number },
    label: {},
  };

  #plot = /** @type {any} */ (null);
  #made = /** @type {unknown} */ (null);
  #observer = new ResizeObserver(() => this.#fit());
  #themes = new MutationObserver(() => this.#remake());
  #dark = matchMedia("(prefers-color-scheme: dark)");

  constructor() {
    super();
    /** @type {(number | null | undefined)[][]} */
    this.data = [];
    /** @type {((uPlot: any) => any) | null} */
    this.options = null;
    this.height = 180;
    this.label = "Chart";
  }

  /** The uPlot that is shown, or null before it is. */
  get plot() {
    return this.#plot;
  }

  connectedCallback() {
    super.connectedCallback();
    this.#observer.observe(this);
    this.#themes.observe(document.documentElement, { attributeFilter: ["data-theme"] });
    this.#dark.addEventListener("change", this.#remake);
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    this.#observer.disconnect();
    this.#themes.disconnect();
    this.#dark.removeEventListener("change", this.#remake);
    this.#plot?.destroy();
    this.#plot = null;
  }

  render() {
    return null;
  }

  async updated() {
    this.setAttribute("role", "img");
    this.setAttribute("aria-label", this.label);
    if (this.#plot && this.#made === this.options) this.#plot.setData(this.data);
    else await this.#make();
  }

  async #make() {
    const kind = await uplot();
    if (!this.isConnected || !this.options) return;
    this.#plot?.destroy();
    this.#made = this.options;
    const size = { width: Math.max(200, this.clientWidth), height: this.height };
    this.#plot = new kind({ ...size, ...this.options(kind) }, this.data, this);
    this.dispatchEvent(new CustomEvent("drawn", { detail: this.#plot }));
  }

  #remake = () => {
    if (this.#plot) this.#make();
  };

  #fit() {
    if (this.#plot && this.clientWidth && this.#plot.width !== this.clientWidth) {
      this.#plot.setSize({ width: this.clientWidth, height: this.height });
    }
  }
}

define("rt-chart", Chart);
