// The chat: what is written to everybody. Messages are shown as text, whatever is in them.
// SPDX-License-Identifier: Apache-2.0

import { announce, byId, make } from "./dom.js";

/** @typedef {import("./signalling.js").Said} Said */

const TIME = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });

export class Chat {
  /** @type {Map<string, HTMLDivElement>} */ #items = new Map();
  #unread = 0;

  /**
   * @param {string} peerId ours
   * @param {(id: string, text: string) => void} send
   */
  constructor(peerId, send) {
    this.peerId = peerId;
    this.send = send;
    this.panel = byId("chat");
    this.list = byId("messages");
    this.input = byId("chat-text", HTMLTextAreaElement);
    this.list.replaceChildren();
    byId("chat-empty").hidden = false;
    byId("chat-form", HTMLFormElement).onsubmit = (event) => {
      event.preventDefault();
      this.#submit();
    };
    this.input.onkeydown = (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      this.#submit();
    };
    this.input.oninput = () => this.#fit();
    byId("chat-close", HTMLButtonElement).onclick = () => this.toggle(false);
    byId("talk", HTMLButtonElement).onclick = () => this.toggle();
  }

  /** @param {boolean} [open] */
  toggle(open = this.panel.hidden) {
    const button = byId("talk", HTMLButtonElement);
    this.panel.hidden = !open;
    button.setAttribute("aria-expanded", String(open));
    if (!open) {
      button.focus();
      return;
    }
    this.#unread = 0;
    this.#count();
    this.list.scrollTop = this.list.scrollHeight;
    this.input.focus();
  }

  /** Whether it was new to us. @param {Said} said */
  heard(said) {
    const own = said.peer_id === this.peerId;
    const known = this.#items.get(said.id);
    if (known && !known.classList.contains("waiting")) return false;
    const item = this.#item(said.name, said.text, said.at, own);
    if (known) known.replaceWith(item);
    else this.#append(item);
    this.#items.set(said.id, item);
    if (!own) {
      if (this.panel.hidden) {
        this.#unread += 1;
        this.#count();
        announce(`${said.name} wrote: ${said.text}`);
      }
    }
    return true;
  }

  /** It was not passed on. @param {string} id @param {string} why */
  declined(id, why) {
    const item = this.#items.get(id);
    if (!item) return;
    item.classList.replace("waiting", "declined");
    item.append(make("p", "fault", why));
    this.#items.delete(id);
  }

  #submit() {
    const text = this.input.value.trim();
    if (!text) return;
    const id = crypto.randomUUID();
    const item = this.#item("", text, Date.now(), true);
    item.classList.add("waiting");
    this.#items.set(id, item);
    this.#append(item);
    this.send(id, text);
    this.input.value = "";
    this.#fit();
  }

  /** @param {string} name @param {string} text @param {number} at @param {boolean} own */
  #item(name, text, at, own) {
    const time = make("time", "", TIME.format(at));
    time.dateTime = new Date(at).toISOString();
    const head = make("p", "who", make("span", "", own ? "You" : name), time);
    return make("div", own ? "own" : "", head, make("p", "text", text));
  }

  /** @param {HTMLDivElement} item */
  #append(item) {
    byId("chat-empty").hidden = true;
    const { scrollTop, scrollHeight, clientHeight } = this.list;
    const atEnd = scrollHeight - scrollTop - clientHeight < 80;
    this.list.append(item);
    if (atEnd || item.classList.contains("own")) this.list.scrollTop = this.list.scrollHeight;
  }

  #count() {
    const badge = byId("unread");
    badge.hidden = this.#unread === 0;
    badge.textContent = this.#unread > 9 ? "9+" : String(this.#unread);
    badge.setAttribute("aria-label", `${this.#unread} unread`);
  }

  #fit() {
    this.input.rows = Math.min(5, this.input.value.split("\n").length);
  }
}
