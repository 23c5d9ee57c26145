// @ts-check
import { html, svg } from "../../vendor/lit.js";

/** Drawn on a 16 × 16 grid with strokes, so that they follow the colour and weight of the text. */
const PATHS = {
  sessions: svg`<path d="M2 4h12M2 8h8M2 12h10" />`,
  overview: svg`<path d="M2 14V8m4 6V3m4 11V6m4 8v-4" />`,
  import: svg`<path d="M8 2v8m0 0L5 7m3 3 3-3M2.5 13.5h11" />`,
  settings: svg`<path d="M2 5h6m4 0h2M2 11h2m4 0h6" /><circle cx="10" cy="5" r="2" /><circle cx="6" cy="11" r="2" />`,
  sun: svg`<circle cx="8" cy="8" r="3" /><path d="M8 1v1.5M8 13.5V15M1 8h1.5M13.5 8H15M3 3l1 1M12 12l1 1M13 3l-1 1M4 12l-1 1" />`,
  moon: svg`<path d="M13.5 9.5A6 6 0 0 1 6.5 2.5a6 6 0 1 0 7 7Z" />`,
  auto: svg`<circle cx="8" cy="8" r="6" /><path d="M8 2a6 6 0 0 1 0 12Z" fill="currentColor" />`,
  leave: svg`<path d="M6 2.5H3v11h3M7 8h7m0 0-3-3m3 3-3 3" />`,
  search: svg`<circle cx="7" cy="7" r="4.5" /><path d="m10.5 10.5 3.5 3.5" />`,
  copy: svg`<rect x="5.5" y="5.5" width="8" height="8" rx="1.5" /><path d="M10.5 5.5v-3h-8v8h3" />`,
  check: svg`<path d="m3 8.5 3.5 3.5L13 4.5" />`,
  close: svg`<path d="m4 4 8 8m0-8-8 8" />`,
  next: svg`<path d="m6 3 5 5-5 5" />`,
  back: svg`<path d="m10 3-5 5 5 5" />`,
  keyboard: svg`<rect x="1.5" y="4" width="13" height="8" rx="1.5" /><path d="M4 6.5h.01M7 6.5h.01M10 6.5h.01M12.5 6.5h.01M5 9.5h6" />`,
  good: svg`<circle cx="8" cy="8" r="6" /><path d="m5 8.3 2 2 4-4.3" />`,
  fair: svg`<circle cx="8" cy="8" r="6" /><path d="M4.5 8h7" />`,
  bad: svg`<path d="M8 2 15 14H1Z" /><path d="M8 6.5v3.2M8 11.8v.01" />`,
  unknown: svg`<circle cx="8" cy="8" r="6" stroke-dasharray="2 2.2" />`,
  error: svg`<path d="M5.2 1.5h5.6l3.7 3.7v5.6l-3.7 3.7H5.2l-3.7-3.7V5.2Z" /><path d="m5.6 5.6 4.8 4.8m0-4.8-4.8 4.8" />`,
  warning: svg`<path d="M8 2 15 14H1Z" /><path d="M8 6.5v3.2M8 11.8v.01" />`,
  info: svg`<circle cx="8" cy="8" r="6" /><path d="M8 7.3v3.8M8 4.8v.01" />`,
};

/** @typedef {keyof typeof PATHS} IconName */

/**
 * A picture beside words that say the same: hidden from screen readers.
 * @param {IconName} name
 */
export const icon = (name) =>
  html`<svg class="icon" viewBox="0 0 16 16" aria-hidden="true" focusable="false">${PATHS[name]}</svg>`;
