// The WebSocket to the hub. It comes back by itself; the media does not depend on it.
// SPDX-License-Identifier: Apache-2.0

const PING_MS = 15_000;
const SILENT_MS = 35_000;
const SLOWEST_MS = 8_000;
const MOST_WAITING = 500;

/** Close codes after which coming back would end the same way (see web/call/hub.py). */
const FINAL = new Set([1008, 4400, 4401, 4403, 4409, 4410]);

/**
 * @typedef {{microphone: boolean, camera: boolean, screen: boolean}} Media
 * @typedef {{peer_id: string, user_id: string, name: string, media: Media}} Person
 * @typedef {{id: string, peer_id: string, user_id: string, name: string, text: string,
 *   at: number}} Said
 * @typedef {{id: string, peer_id: string, name: string, text: string, final: boolean}} Captioned
 * @typedef {{
 *   message: (message: any) => void,
 *   state: (state: "open" | "lost") => void,
 *   ended: (code: number, reason: string) => void,
 * }} Handlers
 */

export class Signalling {
  /** @type {WebSocket | null} */ #socket = null;
  #welcomed = false;
  #over = false;
  #tries = 0;
  #heardAt = 0;
  /** @type {string[]} */ #waiting = [];
  /** @type {ReturnType<typeof setTimeout> | undefined} */ #retry;
  #pinging = setInterval(() => this.#ping(), PING_MS);
  #online = () => this.#comeBack(0);

  /**
   * @param {string} address
   * @param {() => object} hello what to say first, each time anew
   * @param {Handlers} on
   */
  constructor(address, hello, on) {
    this.address = address;
    this.hello = hello;
    this.on = on;
    addEventListener("online", this.#online);
    this.#open();
  }

  /** Say something, now or as soon as there is a connection. @param {object} message */
  send(message) {
    const text = JSON.stringify(message);
    if (this.#welcomed) this.#socket?.send(text);
    else if (this.#waiting.length < MOST_WAITING) this.#waiting.push(text);
  }

  /** Leave for good. */
  leave() {
    if (this.#socket?.readyState === WebSocket.OPEN) {
      this.#socket.send('{"type":"leave"}');
    }
    this.#end();
  }

  #open() {
    const socket = new WebSocket(this.address);
    this.#socket = socket;
    socket.onopen = () => socket.send(JSON.stringify(this.hello()));
    socket.onmessage = (event) => this.#heard(JSON.parse(event.data));
    socket.onclose = (event) => {
      if (socket !== this.#socket || this.#over) return;
      this.#welcomed = false;
      if (FINAL.has(event.code)) {
        this.#end();
        this.on.ended(event.code, event.reason);
        return;
      }
      this.on.state("lost");
      const slower = Math.min(SLOWEST_MS, 500 * 2 ** this.#tries++);
      this.#comeBack(slower * (0.5 + Math.random() / 2));
    };
  }

  /** @param {any} message */
  #heard(message) {
    this.#heardAt = Date.now();
    if (message.type === "welcome") {
      this.#welcomed = true;
      this.#tries = 0;
      this.on.state("open");
      this.on.message(message);
      for (const text of this.#waiting.splice(0)) this.#socket?.send(text);
      return;
    }
    if (message.type !== "pong") this.on.message(message);
  }

  #ping() {
    if (!this.#welcomed) return;
    // A frozen page pings late as well: only silence after a ping means that nobody is there.
    if (Date.now() - this.#heardAt > SILENT_MS && this.#heardAt < this.#pingedAt) {
      this.#socket?.close();
      return;
    }
    this.#pingedAt = Date.now();
    this.#socket?.send('{"type":"ping"}');
  }

  #pingedAt = 0;

  /** @param {number} afterMs */
  #comeBack(afterMs) {
    if (this.#over || this.#welcomed) return;
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => {
      const state = this.#socket?.readyState;
      if (state !== WebSocket.CONNECTING && state !== WebSocket.OPEN) this.#open();
    }, afterMs);
  }

  #end() {
    this.#over = true;
    clearInterval(this.#pinging);
    clearTimeout(this.#retry);
    removeEventListener("online", this.#online);
    this.#socket?.close(1000);
  }
}
