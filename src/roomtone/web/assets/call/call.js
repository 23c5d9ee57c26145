// The call itself: puts signalling, media, tiles, chat, captions and the record together.
// SPDX-License-Identifier: Apache-2.0

import { Captions, canCaption } from "./captions.js";
import { Chat } from "./chat.js";
import { canShare, list } from "./devices.js";
import { announce, byId, duration, make, setIcon, show, toast } from "./dom.js";
import { SPEAKING } from "./loudness.js";
import { Mesh } from "./mesh.js";
import { PathMeter, graded } from "./quality.js";
import { recording } from "./recording.js";
import { signalAddress } from "./server.js";
import { Signalling } from "./signalling.js";
import { Tile, tiles } from "./tiles.js";

/**
 * @typedef {import("./mesh.js").Link} Link
 * @typedef {import("./mesh.js").LinkState} LinkState
 * @typedef {import("./own.js").OwnMedia} OwnMedia
 * @typedef {import("./server.js").Joined} Joined
 * @typedef {import("./signalling.js").Media} Media
 * @typedef {import("./signalling.js").Person} Person
 * @typedef {{reason: string, code: number, seconds: number, record: () => Promise<any>}} Ending
 */

const SELF = "self";
const LEVEL_MS = 200;
const PATH_MS = 3_000;
const CAPTION_MS = 6_000;
const HINT_MS = 20_000;

const state = byId("signal-state");

export class Call {
  peerId = crypto.randomUUID();
  #startedAt = Date.now();
  /** @type {Map<string, Media>} */ #media = new Map();
  /** @type {Map<string, PathMeter>} */ #meters = new Map();
  /** @type {ReturnType<typeof setInterval>[]} */ #timers = [];
  #over = new AbortController();
  #hintedAt = 0;
  #welcomed = false;
  #speaker = "";

  /**
   * @param {Joined} joined @param {string} key @param {OwnMedia} own
   * @param {(ending: Ending) => void} ended
   */
  constructor(joined, key, own, ended) {
    this.joined = joined;
    this.own = own;
    this.ended = ended;
    this.record = recording(joined, this.peerId, key);
    this.mesh = new Mesh(
      this.peerId,
      joined.ice_servers,
      (message) => this.signalling.send(message),
      (link, pc) => this.record.observation.identify(pc, link.person.peer_id),
      {
        tracks: (link) => this.#tracks(link),
        state: (link, now) => this.#state(link, now),
        gone: (link) => this.#gone(link),
      },
    );
    this.chat = new Chat(this.peerId, (id, text) => this.signalling.send({ type: "chat", id, text }));
    this.captions = new Captions(
      (id, text, final) => this.#said(id, text, final),
      (why) => {
        this.#drawCaptions(false);
        toast(`No captions. ${why}`, "bad");
      },
    );
    this.signalling = new Signalling(
      signalAddress(),
      () => ({ type: "hello", token: joined.token, peer_id: this.peerId, media: own.media }),
      {
        message: (message) => this.#heard(message),
        state: (now) => this.#connection(now),
        ended: (code, reason) => this.leave(reason, code),
      },
    );
    this.#begin();
  }

  #begin() {
    byId("call-title").textContent = this.joined.title || "Call";
    show("call");
    new Tile(SELF, this.joined.name, { self: true }).state("connected");
    this.own.changed = () => this.#sync();
    this.#sync();
    this.#controls();
    this.#drawAlone();
    this.#timers = [
      setInterval(() => this.#levels(), LEVEL_MS),
      setInterval(() => this.#paths(), PATH_MS),
      setInterval(() => this.#tick(), 1_000),
    ];
    byId("mic").focus();
  }

  /** End it for us. @param {string} [reason] the server's words @param {number} [code] */
  leave(reason = "", code = 0) {
    if (this.#over.signal.aborted) return;
    this.#over.abort();
    for (const timer of this.#timers) clearInterval(timer);
    this.captions.stop();
    // The last figures are read while the connections are still there.
    const found = this.record.find();
    this.signalling.leave();
    const seconds = (Date.now() - this.#startedAt) / 1000;
    const done = found.finally(() => {
      this.mesh.close();
      this.own.close();
      for (const tile of [...tiles.values()]) tile.remove();
    });
    byId("chat").hidden = true;
    byId("captions").replaceChildren();
    byId("device-dialog", HTMLDialogElement).close();
    // Nobody is to be heard or seen any more from this moment on.
    this.own.mute(false);
    this.own.closeCamera();
    this.own.closeScreen();
    for (const tile of tiles.values()) tile.media(null, null);
    this.ended({ reason, code, seconds, record: () => done });
  }

  /** The page goes away: there is no time for more. */
  vanish() {
    this.signalling.leave();
  }

  // --- what we hear -----------------------------------------------------------------------------

  /** @param {any} message */
  #heard(message) {
    switch (message.type) {
      case "welcome":
        this.#welcome(message);
        break;
      case "joined":
        this.#meet(message.person, false);
        break;
      case "left":
        if (message.lost) this.mesh.links.get(message.peer_id)?.lose();
        else this.mesh.drop(message.peer_id);
        break;
      case "signal":
        this.mesh.hear(message.from, message.data);
        break;
      case "media":
        this.#media.set(message.peer_id, message.media);
        this.#drawMedia(message.peer_id);
        break;
      case "chat":
        if (this.chat.heard(message) && message.peer_id === this.peerId) this.record.chat(message);
        break;
      case "declined":
        this.chat.declined(message.id, message.why);
        break;
      case "caption":
        this.#caption(message.id, message.name, message.text, message.final);
    }
  }

  /** @param {{people: Person[], chat: import("./signalling.js").Said[]}} welcome */
  #welcome({ people, chat }) {
    const here = new Set(people.map((person) => person.peer_id));
    for (const [peerId, link] of this.mesh.links) if (!here.has(peerId)) link.lose();
    for (const person of people) this.#meet(person, true);
    for (const said of chat) this.chat.heard(said);
    if (this.#welcomed) this.signalling.send({ type: "media", media: this.own.media });
    this.#welcomed = true;
  }

  /** @param {Person} person @param {boolean} first */
  #meet(person, first) {
    const known = this.mesh.links.has(person.peer_id);
    this.#media.set(person.peer_id, person.media);
    if (!known) {
      this.#meters.set(person.peer_id, new PathMeter());
      const tile = new Tile(person.peer_id, person.name);
      tile.state("waiting");
      if (this.#speaker) tile.listenOn(this.#speaker);
      if (!first) toast(`${person.name} joined`);
    }
    this.mesh.meet(person, first);
    this.#drawMedia(person.peer_id);
    this.#drawAlone();
  }

  /** @param {Link} link */
  #gone(link) {
    const { peer_id, name } = link.person;
    tiles.get(peer_id)?.remove();
    tiles.get(`${peer_id} screen`)?.remove();
    this.#media.delete(peer_id);
    this.#meters.delete(peer_id);
    if (!this.#over.signal.aborted) toast(`${name} left`);
    this.#drawAlone();
  }

  /** @param {Link} link */
  #tracks(link) {
    this.record.label(link);
    this.#drawMedia(link.person.peer_id);
  }

  /** @param {Link} link @param {LinkState} now */
  #state(link, now) {
    const tile = tiles.get(link.person.peer_id);
    const before = tile?.root.dataset.state;
    tile?.state(now);
    if (now === "reconnecting" && before === "connected") {
      announce(`The connection to ${link.person.name} was interrupted`);
    }
  }

  /** @param {"open" | "lost"} now */
  #connection(now) {
    state.hidden = now === "open";
    state.textContent = now === "open" ? "" : "Server not reachable. Trying again…";
  }

  // --- what is shown ----------------------------------------------------------------------------

  /** @param {string} peerId */
  #drawMedia(peerId) {
    const link = this.mesh.links.get(peerId);
    const tile = tiles.get(peerId);
    const media = this.#media.get(peerId);
    if (!link || !tile || !media) return;
    const { received, person } = link;
    const camera = media.camera ? (received.get("camera") ?? null) : null;
    tile.media(camera, received.get("microphone") ?? null);
    tile.mute(!media.microphone);
    const shown = media.screen ? received.get("screenshare") : undefined;
    const screen = tiles.get(`${peerId} screen`);
    if (shown) {
      const it = screen ?? new Tile(`${peerId} screen`, person.name, { screen: true });
      if (!screen) announce(`${person.name} shares a screen`);
      it.media(shown, received.get("screenshare_audio") ?? null);
      it.state("connected");
    } else screen?.remove();
  }

  #drawAlone() {
    byId("alone").hidden = this.mesh.links.size > 0;
  }

  /** What we send, after anything of it changed. */
  #sync() {
    if (this.#over.signal.aborted) return;
    const { own, mesh } = this;
    const wanted = /** @type {const} */ ([
      ["microphone", own.microphone],
      ["camera", own.camera],
      ["screenshare", own.screen?.video ?? null],
      ["screenshare_audio", own.screen?.audio ?? null],
    ]);
    for (const [source, track] of wanted) {
      if ((mesh.sent.get(source) ?? null) === track) continue;
      if (track) this.record.observation.label(track, { source });
      mesh.put(source, track).catch((error) => console.warn("put", error));
    }
    this.signalling.send({ type: "media", media: own.media });
    this.#tell(own.media);
    const tile = tiles.get(SELF);
    tile?.media(own.camera, null);
    tile?.mute(!own.heard);
    const screen = tiles.get(`${SELF} screen`);
    if (own.screen && !screen) {
      const it = new Tile(`${SELF} screen`, "", { self: true, screen: true });
      it.media(own.screen.video, null);
      it.state("connected");
    } else if (!own.screen) screen?.remove();
    this.#drawControls();
    if (own.fault) toast(own.fault, "bad");
    own.fault = "";
  }

  /** @type {Media | null} */ #told = null;

  /**
   * The record hears at once what was switched; the collector itself sees a muted track, but
   * learns of one that is gone only at its next look.
   * @param {Media} media
   */
  #tell(media) {
    const before = this.#told;
    this.#told = media;
    if (before === null) return;
    const { observation } = this.record;
    if (before.camera !== media.camera) observation.say(media.camera ? "video_on" : "video_off");
    if (before.screen !== media.screen) {
      observation.say(media.screen ? "screenshare_started" : "screenshare_stopped");
    }
  }

  #tick() {
    byId("clock").textContent = duration((Date.now() - this.#startedAt) / 1000);
  }

  #levels() {
    const { loudness, unmuted, microphone } = this.own;
    const loud = (loudness?.now() ?? 0) > SPEAKING;
    tiles.get(SELF)?.speak(loud && unmuted);
    if (loud && !unmuted && microphone && Date.now() - this.#hintedAt > HINT_MS) {
      this.#hintedAt = Date.now();
      toast("You are muted. Press M to be heard.");
      this.record.observation.say("speaking_while_muted");
    }
    for (const [peerId, { pc }] of this.mesh.links) {
      const levels = (pc?.getReceivers() ?? []).flatMap((receiver) =>
        receiver.track.kind === "audio" ? receiver.getSynchronizationSources() : [],
      );
      tiles.get(peerId)?.speak(levels.some(({ audioLevel }) => (audioLevel ?? 0) > 0.02));
    }
  }

  async #paths() {
    for (const [peerId, { pc, state: now }] of this.mesh.links) {
      const meter = this.#meters.get(peerId);
      if (!pc || !meter || now !== "connected") continue;
      const path = await meter.read(pc).catch(() => null);
      if (path) tiles.get(peerId)?.quality(graded(path));
    }
  }

  // --- captions ---------------------------------------------------------------------------------

  /** @param {string} id @param {string} text @param {boolean} final */
  #said(id, text, final) {
    if (!this.own.heard) return;
    this.signalling.send({ type: "caption", id, text, final });
    this.record.caption(id, text, final);
    this.#caption(id, "You", text, final);
  }

  /** @param {string} id @param {string} name @param {string} text @param {boolean} final */
  #caption(id, name, text, final) {
    const board = byId("captions");
    let line = [...board.children].find((one) => /** @type {HTMLElement} */ (one).dataset.id === id);
    if (!line) {
      line = make("p", "", make("b"), make("span"));
      /** @type {HTMLElement} */ (line).dataset.id = id;
      board.append(line);
      while (board.children.length > 3) board.firstElementChild?.remove();
    }
    const [who, what] = line.children;
    who.textContent = name;
    what.textContent = text;
    if (final) setTimeout(() => line?.remove(), CAPTION_MS);
  }

  /** @param {boolean} on */
  #drawCaptions(on) {
    byId("cc").setAttribute("aria-pressed", String(on));
  }

  // --- controls ---------------------------------------------------------------------------------

  #controls() {
    const on = (/** @type {string} */ id, /** @type {() => void} */ act) => {
      byId(id).addEventListener("click", act, { signal: this.#over.signal });
    };
    byId("share").hidden = !canShare;
    byId("cc").hidden = !canCaption;
    byId("cc").title =
      "Your browser does the listening. Some browsers send your voice to their maker for it.";
    this.#drawCaptions(false);
    on("mic", () => this.#toggleMic());
    on("cam", () => this.#toggleCam());
    on("share", () => this.#toggleShare());
    on("cc", () => this.#toggleCaptions());
    on("devices", () => this.#devices());
    on("leave", () => this.leave());
    on("copy", () => this.#copy());
    addEventListener("keydown", (event) => this.#key(event), { signal: this.#over.signal });
  }

  #toggleMic() {
    if (this.own.microphone === null) {
      this.own.unmuted = true;
      this.own.openMicrophone().then(() => this.#sync());
    } else this.own.mute(!this.own.unmuted);
    announce(this.own.unmuted ? "Microphone on" : "Muted");
  }

  #toggleCam() {
    if (this.own.camera) this.own.closeCamera();
    else this.own.openCamera().then(() => this.#sync());
  }

  #toggleShare() {
    if (this.own.screen) this.own.closeScreen();
    else this.own.openScreen().then(() => this.#sync());
  }

  #toggleCaptions() {
    const on = byId("cc").getAttribute("aria-pressed") !== "true";
    this.#drawCaptions(on);
    if (on) this.captions.start();
    else this.captions.stop();
    announce(on ? "Captions of what you say are on" : "Captions off");
  }

  #drawControls() {
    const { own } = this;
    const draw = (
      /** @type {string} */ id,
      /** @type {boolean} */ active,
      /** @type {string} */ icon,
      /** @type {string} */ label,
    ) => {
      const button = byId(id);
      button.classList.toggle("off", !active);
      setIcon(button, icon);
      const text = button.querySelector("span");
      if (text) text.textContent = label;
    };
    draw("mic", own.heard, own.heard ? "mic" : "mic-off", own.heard ? "Mute" : "Unmute");
    const seen = own.camera !== null;
    draw("cam", seen, seen ? "cam" : "cam-off", seen ? "Stop video" : "Start video");
    draw("share", true, "screen", own.screen ? "Stop sharing" : "Share");
    byId("share").classList.toggle("active", own.screen !== null);
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const { target } = event;
    if (event.key === "Escape" && !this.chat.panel.hidden) {
      this.chat.toggle(false);
      return;
    }
    const writing = target instanceof Element && target.closest("input, textarea, select, dialog");
    if (writing || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
    const act = {
      m: () => this.#toggleMic(),
      v: () => this.#toggleCam(),
      s: () => canShare && this.#toggleShare(),
      l: () => canCaption && this.#toggleCaptions(),
      c: () => this.chat.toggle(),
    }[event.key.toLowerCase()];
    if (act === undefined) return;
    event.preventDefault();
    act();
  }

  async #devices() {
    const dialog = byId("device-dialog", HTMLDialogElement);
    const [mic, cam, speaker] = ["use-mic", "use-cam", "use-speaker"].map((id) =>
      byId(id, HTMLSelectElement),
    );
    await list(mic, "audioinput", this.own.chosen.microphone);
    await list(cam, "videoinput", this.own.chosen.camera);
    await list(speaker, "audiooutput", this.#speaker);
    byId("speaker-row").hidden = speaker.disabled || !("setSinkId" in HTMLMediaElement.prototype);
    mic.onchange = () => this.own.openMicrophone(mic.value).then(() => this.#sync());
    cam.onchange = () => this.own.openCamera(cam.value).then(() => this.#sync());
    speaker.onchange = () => {
      this.#speaker = speaker.value;
      for (const tile of tiles.values()) tile.listenOn(speaker.value);
    };
    dialog.showModal();
  }

  async #copy() {
    try {
      await navigator.clipboard.writeText(location.href);
      toast("The invitation is copied");
    } catch {
      toast("Copy the address of this page: it is the invitation");
    }
  }
}
