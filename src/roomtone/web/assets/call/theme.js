// Dark, unless somebody chose light.
// SPDX-License-Identifier: Apache-2.0

import { byId } from "./dom.js";

const NAME = "roomtone.call.theme";

export function theme() {
  let chosen = "dark";
  try {
    chosen = localStorage.getItem(NAME) === "light" ? "light" : "dark";
  } catch {
    // Storage is forbidden here.
  }
  document.documentElement.dataset.theme = chosen;
  byId("theme").onclick = () => {
    const next = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
    document.documentElement.dataset.theme = next;
    try {
      localStorage.setItem(NAME, next);
    } catch {
      // Good for this visit.
    }
  };
}
