// Live captions by the browser's own speech recognition, where it has one.
// SPDX-License-Identifier: Apache-2.0

const PAUSE_MS = 400;

/** @type {any} */
const Recognition =
  /** @type {any} */ (window).SpeechRecognition ?? /** @type {any} */ (window).webkitSpeechRecognition;

export const canCaption = Recognition !== undefined;

/** @type {Record<string, string>} */
const REASONS = {
  "not-allowed": "The browser was not allowed to listen.",
  "service-not-allowed": "This browser's speech recognition is switched off.",
  network: "This browser's speech recognition needs a service that cannot be reached.",
  "language-not-supported": "This browser does not understand your language.",
  "audio-capture": "The browser found no microphone to listen to.",
};

export class Captions {
  #on = false;
  #recognition = /** @type {any} */ (null);
  #id = "";
  #toldAt = 0;

  /**
   * @param {(id: string, text: string, final: boolean) => void} heard
   * @param {(why: string) => void} failed
   */
  constructor(heard, failed) {
    this.heard = heard;
    this.failed = failed;
  }

  start() {
    if (this.#on) return;
    this.#on = true;
    this.#begin();
  }

  stop() {
    this.#on = false;
    this.#recognition?.stop();
  }

  #begin() {
    const recognition = new Recognition();
    recognition.continuous = true;
    recognition.interimResults = true;
    recognition.lang = navigator.language;
    recognition.onresult = (/** @type {any} */ event) => this.#result(event);
    recognition.onerror = (/** @type {any} */ event) => {
      const why = REASONS[event.error];
      if (why === undefined) return; // silence and the like: it ends, and begins again
      this.#on = false;
      this.failed(why);
    };
    recognition.onend = () => {
      if (this.#on) setTimeout(() => this.#on && this.#begin(), PAUSE_MS);
    };
    this.#recognition = recognition;
    try {
      recognition.start();
    } catch {
      this.#on = false;
      this.failed(REASONS["service-not-allowed"]);
    }
  }

  /** @param {any} event */
  #result(event) {
    for (let at = event.resultIndex; at < event.results.length; at++) {
      const result = event.results[at];
      const text = String(result[0]?.transcript ?? "").trim();
      if (!text) continue;
      this.#id ||= crypto.randomUUID();
      const now = Date.now();
      if (!result.isFinal && now - this.#toldAt < PAUSE_MS) continue;
      this.#toldAt = now;
      this.heard(this.#id, text.slice(0, 4_000), result.isFinal);
      if (result.isFinal) this.#id = "";
    }
  }
}
