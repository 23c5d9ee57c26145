// @ts-check
import { html } from "../../vendor/lit.js";
import { define, Element } from "./element.js";
import { icon } from "./icons.js";

const SHOWN_MS = 2000;

/** `<rt-copy .text label>`: a button that puts text on the clipboard and says so. */
class Copy extends Element {
  static properties = { text: { attribute: false }, label: {}, done: { state: true } };

  constructor() {
    super();
    this.text = "";
    this.label = "Copy";
    /** @type {"" | "yes" | "no"} */
    this.done = "";
  }

  render() {
    const word = { "": this.label, yes: "Copied", no: "Select it and copy by hand" }[this.done];
    return html`<button type="button" class="button small" @click=${this.#copy}>
      ${icon(this.done === "yes" ? "check" : "copy")}<span aria-live="polite">${word}</span>
    </button>`;
  }

  #copy = async () => {
    try {
      await navigator.clipboard.writeText(this.text);
      this.done = "yes";
    } catch {
      this.done = "no"; // plain http on another machine: browsers lend no clipboard there
    }
    setTimeout(() => (this.done = ""), SHOWN_MS);
  };
}

define("rt-copy", Copy);
