// @ts-check
import { LitElement } from "../../vendor/lit.js";

/**
 * What every element of the console is made from: it draws into the page itself, not into a shadow
 * tree, so that one style sheet reaches everything and labels may point across elements.
 */
export class Element extends LitElement {
  createRenderRoot() {
    return this;
  }
}

/**
 * Define an element once, whichever page asks for it first.
 * @param {string} tag
 * @param {CustomElementConstructor} kind
 */
export function define(tag, kind) {
  if (!customElements.get(tag)) customElements.define(tag, kind);
  return tag;
}
