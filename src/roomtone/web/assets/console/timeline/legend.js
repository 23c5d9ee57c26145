// @ts-check
import { html, svg } from "../../vendor/lit.js";

const bar = (/** @type {string} */ level, /** @type {number} */ tall) =>
  svg`<rect class="fill-${level}" x="1" y=${13 - tall} width="14" height=${tall} />`;

/** @type {[unknown, string][]} */
const SIGNS = [
  [bar("good", 11), "good"],
  [bar("fair", 7), "fair"],
  [bar("bad", 4), "bad: low and red"],
  [svg`<path class="lg-bad" d="M1 4h14" />`, "one stream bad while the mean is not"],
  [svg`<path class="lg-text" d="M1 4h14" stroke-width="3" />`, "speaking"],
  [svg`<path class="lg-text" d="M1 8h14" stroke-dasharray="2 2" />`, "microphone off"],
  [svg`<path class="lg-quiet" d="M1 8h14" stroke-dasharray="6 3" stroke-width="1" />`, "camera off"],
  [svg`<path class="lg-accent" d="M1 8h14" stroke-width="3" />`, "sharing the screen"],
  [svg`<path class="lg-quiet" d="m1 14 6-12m-2 12 6-12m-2 12 6-12" stroke-width="1" />`, "page in the background"],
  [svg`<path class="lg-bad" d="m1 14 6-12m-2 12 6-12m-2 12 6-12" stroke-width="1.5" />`, "reconnecting, offline"],
  [svg`<path class="lg-bad" d="m5 5 6 6m0-6-6 6" />`, "an error"],
  [svg`<path class="lg-fill" d="m8 3 5 5-5 5-5-5Z" />`, "device changed"],
  [svg`<path class="lg-warn" d="M2 4v6h12V4" />`, "finding; dashed: an echo of another"],
];

/** What each sign on the timeline means, drawn as it is drawn there. */
export const legend = () =>
  html`<details class="tl-legend">
    <summary>What the signs mean</summary>
    <ul>
      ${SIGNS.map(
        ([sign, words]) =>
          html`<li><svg viewBox="0 0 16 16" aria-hidden="true" focusable="false">${sign}</svg>${words}</li>`,
      )}
    </ul>
    <p>The upper bar is what the person received, the lower one what they sent. Keys: arrows move the
      moment, <kbd>n</kbd> and <kbd>p</kbd> go to the next and the previous finding, <kbd>+</kbd>
      <kbd>-</kbd> <kbd>0</kbd> zoom, <kbd>Esc</kbd> takes the cursor away. Ctrl and wheel zooms,
      dragging moves.</p>
  </details>`;
