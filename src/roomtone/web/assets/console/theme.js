// @ts-check
/** Light, dark, or what the system says: remembered in this browser. */

/** @typedef {"auto" | "light" | "dark"} Theme */

const KEY = "roomtone.theme";

/** @returns {Theme} */
export function theme() {
  const kept = localStorage.getItem(KEY);
  return kept === "light" || kept === "dark" ? kept : "auto";
}

/** @param {Theme} wanted */
export function setTheme(wanted) {
  if (wanted === "auto") {
    localStorage.removeItem(KEY);
    delete document.documentElement.dataset.theme;
  } else {
    localStorage.setItem(KEY, wanted);
    document.documentElement.dataset.theme = wanted;
  }
}

setTheme(theme());
