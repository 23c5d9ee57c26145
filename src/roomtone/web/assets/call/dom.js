// What the page is built with. Text goes in as text, never as HTML, so a name can be anything.
// SPDX-License-Identifier: Apache-2.0

/**
 * The element of this id. The page's own HTML has it, so its absence is a fault of ours.
 * @template {HTMLElement} T
 * @param {string} id
 * @param {new () => T} [kind]
 * @returns {T}
 */
export function byId(id, kind) {
  const found = document.getElementById(id);
  if (found === null || (kind !== undefined && !(found instanceof kind))) throw new Error(`#${id}`);
  return /** @type {T} */ (found);
}

/**
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {string} [classes]
 * @param {...(Node | string)} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function make(tag, classes = "", ...children) {
  const made = document.createElement(tag);
  if (classes) made.className = classes;
  made.append(...children);
  return made;
}

const SVG = "http://www.w3.org/2000/svg";

/** An icon of the sheet in the page. @param {string} name */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `#i-${name}`);
  svg.append(use);
  svg.setAttribute("aria-hidden", "true");
  return svg;
}

/** Change which icon an element shows. @param {HTMLElement} element @param {string} name */
export function setIcon(element, name) {
  element.querySelector("use")?.setAttribute("href", `#i-${name}`);
}

/** Say something to a screen reader. @param {string} text */
export function announce(text) {
  const line = make("p", "", text);
  byId("live").append(line);
  setTimeout(() => line.remove(), 5_000);
}

/** Show a sentence for a moment, and say it. @param {string} text @param {"" | "bad"} [kind] */
export function toast(text, kind = "") {
  announce(text);
  const shown = make("p", `toast ${kind}`, text);
  byId("toasts").append(shown);
  setTimeout(() => shown.remove(), kind === "bad" ? 8_000 : 4_000);
}

/** One of the page's views. @param {"wait" | "notice" | "lobby" | "call" | "end"} id */
export function show(id) {
  for (const view of document.querySelectorAll("main")) view.hidden = view.id !== id;
}

/** Seconds as 1:05 or 1:02:03. @param {number} seconds */
export function duration(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const two = (/** @type {number} */ n) => String(n).padStart(2, "0");
  const minutes = Math.floor(whole / 60) % 60;
  const hours = Math.floor(whole / 3600);
  return hours ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
}
