// @ts-check
import { HOME, navigate } from "./router.js";

/** What the keys do, for people; the shell shows it under `?`. */
export const KEYS = [
  ["/", "search"],
  ["j  k", "next, previous row"],
  ["Enter", "open the row"],
  ["g s", "sessions"],
  ["g o", "overview"],
  ["g i", "import"],
  ["g t", "settings"],
  ["?", "this list"],
  ["Esc", "close, or leave a field"],
];

const PLACES = /** @type {Record<string, string>} */ ({
  s: HOME,
  o: "/overview",
  i: "/import",
  t: "/settings",
});
const PAIR_MS = 1200;

/**
 * Listen for the keys of the whole console. A page that wants a key for itself handles it and calls
 * `preventDefault`.
 * @param {() => void} showHelp
 */
export function listen(showHelp) {
  let gAt = 0;
  addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    const target = /** @type {HTMLElement} */ (event.target);
    if (target.matches("input, textarea, select, [contenteditable]")) {
      if (event.key === "Escape") target.blur();
      return;
    }
    if (document.querySelector("dialog[open]")) return;
    if (gAt && Date.now() - gAt < PAIR_MS && PLACES[event.key]) {
      gAt = 0;
      navigate(PLACES[event.key]);
    } else if (event.key === "g") {
      gAt = Date.now();
    } else if (event.key === "/") {
      const field = /** @type {HTMLInputElement | null} */ (document.querySelector("input[type=search]"));
      field?.focus();
      field?.select();
    } else if (event.key === "j" || event.key === "k") {
      /** @type {any} */ (document.querySelector("main rt-table"))?.walk(event.key === "j" ? 1 : -1);
    } else if (event.key === "?") {
      showHelp();
    } else {
      return;
    }
    if (event.key !== "g") event.preventDefault();
  });
}
