// @ts-check
import { html, nothing, repeat } from "../../vendor/lit.js";
import { define, Element } from "../components/element.js";
import { exact, utc } from "../formats.js";

/** @typedef {import("./model.js").Word} Word */

const SHOWN = 400;
const KINDS = /** @type {const} */ ({ "": "Everything", transcript: "Transcript", chat: "Chat" });
const SECONDS = new Intl.DateTimeFormat(undefined, { timeStyle: "medium" });

/**
 * `<rt-words .words .now>`: what was said and written, by time; what is said at `now` is marked and
 * kept in sight. Fires `goto` (detail: epoch ms). Of a long call the part around `now` is drawn.
 */
class Words extends Element {
  static properties = {
    words: { attribute: false },
    now: { attribute: false },
    cut: { type: Boolean },
    kind: { state: true },
    search: { state: true },
  };

  constructor() {
    super();
    /** @type {Word[]} */
    this.words = [];
    /** @type {number | null} */
    this.now = null;
    this.cut = false;
    /** @type {keyof typeof KINDS} */
    this.kind = "";
    this.search = "";
  }

  get #fitting() {
    const wanted = this.search.toLocaleLowerCase();
    return this.words.filter(
      (word) =>
        (!this.kind || word.kind === this.kind) &&
        (!wanted || `${word.name} ${word.text}`.toLocaleLowerCase().includes(wanted)),
    );
  }

  render() {
    const fitting = this.#fitting;
    const at = this.#at(fitting);
    const from = Math.max(0, Math.min(fitting.length - SHOWN, at - SHOWN / 2));
    const some = fitting.slice(from, from + SHOWN);
    return html`<div class="words-head">
        <div class="words-kinds" role="group" aria-label="Which words">
          ${Object.entries(KINDS).map(
            ([kind, text]) => html`<button type="button" class="button small" aria-pressed=${this.kind === kind}
              @click=${() => (this.kind = /** @type {any} */ (kind))}>${text}</button>`,
          )}
        </div>
        <input type="search" class="words-search" placeholder="Search in the words" aria-label="Search in the words"
          .value=${this.search} @input=${(/** @type {any} */ event) => (this.search = event.target.value)} />
      </div>
      <div class="words-list" tabindex="0" role="region" aria-label="What was said" data-list>
        ${from > 0 ? html`<p class="quiet">Earlier words: move the cursor there.</p>` : nothing}
        <ol>${repeat(some, (word) => `${word.kind}:${word.id}`, (word) => this.#line(word))}</ol>
        ${from + SHOWN < fitting.length ? html`<p class="quiet">Later words: move the cursor there.</p>` : nothing}
        ${fitting.length ? nothing : html`<p class="quiet">No words fit.</p>`}
        ${this.cut ? html`<p class="quiet">There are more words: the files hold all of them.</p>` : nothing}
      </div>`;
  }

  /** @param {Word} word */
  #line(word) {
    const said = this.now !== null && word.at <= this.now && this.now <= Math.max(word.end, word.at + 1500);
    return html`<li class="word word-${word.kind} ${said ? "now" : ""}">
      <button type="button" class="word-when" title=${`${exact(word.at)} (${utc(word.at)})`}
        @click=${() => this.dispatchEvent(new CustomEvent("goto", { detail: word.at, bubbles: true }))}
        >${SECONDS.format(word.at)}</button>
      <span class="word-who">${word.name}</span>
      <span class="word-text">${word.type === "text" ? word.text : `[${word.type}] ${word.text}`}
        ${word.kind === "chat" ? html`<span class="word-kind">chat${word.private ? ", private" : ""}</span>` : nothing}</span>
    </li>`;
  }

  /** Where in a list the moment is. @param {Word[]} words */
  #at(words) {
    if (this.now === null) return 0;
    let [low, high] = [0, words.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (words[middle].at <= this.now) low = middle + 1;
      else high = middle;
    }
    return Math.max(0, low - 1);
  }

  /** @param {Map<PropertyKey, unknown>} changed */
  updated(changed) {
    if (!changed.has("now") || this.now === null) return;
    const list = /** @type {HTMLElement | null} */ (this.querySelector("[data-list]"));
    const line = /** @type {HTMLElement | null} */ (this.querySelector(".word.now"));
    // Within its own box: the page itself stays where it is.
    if (list && line) list.scrollTop = line.offsetTop - list.clientHeight / 3;
  }
}

define("rt-words", Words);
