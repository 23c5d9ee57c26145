// @ts-check
import { html, nothing } from "../../vendor/lit.js";
import { request } from "../api.js";
import { define, Element } from "../components/element.js";

const MOST = 500_000;

/** `<rt-raw>`: an answer of the API as it came, in a dialog; to copy or to keep. */
class Raw extends Element {
  static properties = { heading: {}, url: {}, text: { state: true } };

  #kept = "";

  constructor() {
    super();
    this.heading = "";
    this.url = "";
    /** @type {string | null} */
    this.text = null;
  }

  connectedCallback() {
    super.connectedCallback();
    this.#load();
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    URL.revokeObjectURL(this.#kept);
  }

  async #load() {
    let text;
    try {
      text = JSON.stringify(await request("GET", this.url), null, 2);
    } catch (error) {
      text = error instanceof Error ? error.message : String(error);
    }
    this.#kept = URL.createObjectURL(new Blob([text], { type: "application/json" }));
    this.text = text;
  }

  render() {
    const { text } = this;
    return html`<dialog class="dialog raw" aria-label=${this.heading} @close=${() => this.remove()}>
      <header class="raw-head"><h2>${this.heading}</h2>
        ${text === null
          ? nothing
          : html`<rt-copy .text=${text}></rt-copy>
              <a class="button small" href=${this.#kept} download=${`${this.heading.toLowerCase().replace(/\W+/g, "-")}.json`}>Download</a>`}
        <button type="button" class="button small" @click=${() => this.querySelector("dialog")?.close()}>Close</button>
      </header>
      <p class="quiet"><code>GET ${this.url}</code></p>
      ${text === null
        ? html`<rt-loading what="Asking"></rt-loading>`
        : html`<pre tabindex="0">${text.length > MOST ? `${text.slice(0, MOST)}\n… the download has all of it` : text}</pre>`}
    </dialog>`;
  }

  firstUpdated() {
    this.querySelector("dialog")?.showModal();
  }
}

define("rt-raw", Raw);

/** @param {string} heading @param {string} url */
export function showJson(heading, url) {
  const shown = /** @type {Raw} */ (document.createElement("rt-raw"));
  shown.heading = heading;
  shown.url = url;
  document.body.append(shown);
}

/**
 * Fetch a text of the API and hand it to the browser as a file.
 * @param {string} url @param {string} name
 */
export async function keepFile(url, name) {
  const answer = await fetch(url, {
    credentials: "same-origin",
    headers: { "x-roomtone-console": "1", accept: "text/csv" },
  });
  if (!answer.ok) throw new Error(`The server answered ${answer.status}.`);
  const kept = URL.createObjectURL(await answer.blob());
  const link = document.createElement("a");
  link.href = kept;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(kept), 10_000);
}
