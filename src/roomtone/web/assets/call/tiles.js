// The tiles: one a person, and one for each shared screen.
// SPDX-License-Identifier: Apache-2.0

import { byId, icon, make } from "./dom.js";

/** @typedef {import("./quality.js").Quality} Quality */

const WORDS = {
  waiting: "Connecting…",
  connecting: "Connecting…",
  connected: "",
  reconnecting: "Connection interrupted. Trying again…",
  lost: "No way to them was found. Trying again…",
};
const GRADES = { good: "Good", fair: "Fair", bad: "Bad", unknown: "Unknown" };

/** @type {Map<string, Tile>} */
export const tiles = new Map();

export class Tile {
  /** @type {MediaStream} */ #stream = new MediaStream();
  #state = make("p", "state");
  #badge = make("span", "badge");
  #muted = icon("mic-off");

  /**
   * @param {string} key @param {string} name
   * @param {{self?: boolean, screen?: boolean}} kind
   */
  constructor(key, name, { self = false, screen = false } = {}) {
    this.key = key;
    this.screen = screen;
    this.video = make("video");
    this.video.autoplay = true;
    this.video.playsInline = true;
    // One's own voice is not to be heard; a screen's sound comes with the screen.
    this.video.muted = self;
    this.video.srcObject = this.#stream;
    this.avatar = make("span", "avatar", initials(name));
    this.avatar.style.setProperty("--hue", String(hue(name)));
    const label = screen ? (self ? "Your screen" : `${name}'s screen`) : self ? `${name} (you)` : name;
    const plate = make("figcaption", "plate", this.#muted, make("span", "name", label));
    this.#muted.classList.add("muted");
    this.root = make("figure", "tile", this.video, this.avatar, this.#state, plate);
    if (!self) {
      for (let bar = 0; bar < 3; bar++) this.#badge.append(make("i"));
      this.#badge.append(make("span", "sr"));
      if (!screen) this.root.append(this.#badge);
    }
    this.root.classList.toggle("self", self);
    this.root.classList.toggle("screen", screen);
    this.root.dataset.key = key;
    this.root.setAttribute("aria-label", label);
    this.quality({ grade: "unknown", text: "no figures yet" });
    this.media(null, null);
    tiles.set(key, this);
    byId("tiles").append(this.root);
    arrange();
  }

  /** What it plays. @param {MediaStreamTrack | null} video @param {MediaStreamTrack | null} audio */
  media(video, audio) {
    const wanted = [video, audio].filter((track) => track !== null);
    for (const track of this.#stream.getTracks()) {
      if (!wanted.includes(track)) this.#stream.removeTrack(track);
    }
    for (const track of wanted) this.#stream.addTrack(track);
    this.root.classList.toggle("pictured", video !== null);
    // The browser stops playing when what it played went away.
    if (wanted.length) this.video.play().catch(() => {});
  }

  /** @param {boolean} muted */
  mute(muted) {
    this.root.classList.toggle("silent", muted);
    this.#muted.setAttribute("aria-hidden", String(!muted));
    this.#muted.setAttribute("aria-label", "muted");
    this.#muted.setAttribute("role", "img");
  }

  /** @param {boolean} speaking */
  speak(speaking) {
    this.root.classList.toggle("speaking", speaking);
  }

  /** @param {keyof typeof WORDS} state */
  state(state) {
    this.#state.textContent = WORDS[state];
    this.#state.hidden = WORDS[state] === "";
    this.root.dataset.state = state;
  }

  /** @param {Quality} quality */
  quality({ grade, text }) {
    const words = `${GRADES[grade]} connection: ${text}`;
    this.#badge.dataset.grade = grade;
    this.#badge.title = words;
    const said = this.#badge.querySelector(".sr");
    if (said) said.textContent = words;
  }

  /** @param {string} deviceId */
  async listenOn(deviceId) {
    if ("setSinkId" in this.video) await this.video.setSinkId(deviceId).catch(() => {});
  }

  remove() {
    this.video.srcObject = null;
    this.root.remove();
    tiles.delete(this.key);
    arrange();
  }
}

/** Lay them out: the style sheet knows what to do with how many. */
function arrange() {
  const stage = byId("tiles");
  const screens = [...tiles.values()].filter((tile) => tile.screen).length;
  stage.dataset.count = String(tiles.size);
  stage.dataset.screens = String(screens);
  stage.style.setProperty("--screens", String(screens));
  stage.style.setProperty("--people", String(tiles.size - screens));
  // Screens first: they are what is looked at. What is moved stops playing, so nothing moves twice.
  for (const tile of tiles.values()) {
    if (tile.screen && tile.root.previousElementSibling?.matches(".tile:not(.screen)")) {
      stage.prepend(tile.root);
    }
  }
}

/** @param {string} name */
function initials(name) {
  const words = name.match(/[\p{L}\p{N}]+/gu) ?? ["?"];
  const [first = "?", last = ""] = [words[0], words.length > 1 ? words[words.length - 1] : ""];
  return (([...first][0] ?? "?") + ([...last][0] ?? "")).toLocaleUpperCase();
}

/** A colour that a name always has. @param {string} name */
function hue(name) {
  let sum = 7;
  for (const char of name) sum = (sum * 31 + (char.codePointAt(0) ?? 0)) % 360;
  return sum;
}
