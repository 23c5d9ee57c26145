// Our own microphone, camera and screen: one place that opens, switches and closes them.
// SPDX-License-Identifier: Apache-2.0

import { deviceOf, open, openScreen, remedy } from "./devices.js";
import { Loudness } from "./loudness.js";

/** @typedef {import("./devices.js").Kind} Kind */

export class OwnMedia {
  /** @type {MediaStreamTrack | null} */ microphone = null;
  /** @type {MediaStreamTrack | null} */ camera = null;
  /** @type {{video: MediaStreamTrack, audio: MediaStreamTrack | null} | null} */ screen = null;
  /** Whether we want to be heard: a muted microphone stays open, and sends silence. */
  unmuted = true;
  /** @type {Loudness | null} */ loudness = null;
  /** What a person can do about the last failure; "" if there was none. */
  fault = "";
  /** Called when anything changed. */
  changed = () => {};

  get heard() {
    return this.microphone !== null && this.unmuted;
  }

  /** What we send, as the others are told. */
  get media() {
    return { microphone: this.heard, camera: this.camera !== null, screen: this.screen !== null };
  }

  /** @param {string} [deviceId] */
  async openMicrophone(deviceId) {
    const track = await this.#open("audio", deviceId);
    if (track === null) return;
    this.#closeMicrophone();
    track.enabled = this.unmuted;
    track.onended = () => {
      this.fault = "The microphone was unplugged or taken away. Pick another one.";
      this.#closeMicrophone();
      this.changed();
    };
    this.microphone = track;
    this.loudness = new Loudness(track);
    this.changed();
  }

  /** @param {string} [deviceId] */
  async openCamera(deviceId) {
    const track = await this.#open("video", deviceId);
    if (track === null) return;
    this.closeCamera();
    track.onended = () => {
      this.fault = "The camera was unplugged or taken away. Pick another one.";
      this.closeCamera();
      this.changed();
    };
    this.camera = track;
    this.changed();
  }

  /** The light goes off as well. */
  closeCamera() {
    if (this.camera === null) return;
    end(this.camera);
    this.camera = null;
    this.changed();
  }

  /** @param {boolean} unmuted */
  mute(unmuted) {
    this.unmuted = unmuted;
    if (this.microphone) this.microphone.enabled = unmuted;
    this.changed();
  }

  /** False: thought better of it. */
  async openScreen() {
    this.fault = "";
    try {
      const screen = await openScreen();
      if (screen === null) return false;
      this.screen = screen;
      // The browser's own "stop sharing" ends it as well.
      screen.video.onended = () => this.closeScreen();
      this.changed();
      return true;
    } catch (error) {
      this.fault = `The screen cannot be shared: ${error instanceof Error ? error.message : error}`;
      return false;
    }
  }

  closeScreen() {
    if (this.screen === null) return;
    const { video, audio } = this.screen;
    this.screen = null;
    end(video);
    if (audio) end(audio);
    this.changed();
  }

  close() {
    this.changed = () => {};
    this.#closeMicrophone();
    this.closeCamera();
    this.closeScreen();
  }

  /** The ids of what is in use. */
  get chosen() {
    return { microphone: deviceOf(this.microphone), camera: deviceOf(this.camera) };
  }

  #closeMicrophone() {
    if (this.microphone) end(this.microphone);
    this.loudness?.close();
    this.microphone = null;
    this.loudness = null;
  }

  /** @param {Kind} kind @param {string} [deviceId] */
  async #open(kind, deviceId) {
    this.fault = "";
    try {
      return await open(kind, deviceId);
    } catch (error) {
      this.fault = remedy(error, kind);
      return null;
    }
  }
}

/** @param {MediaStreamTrack} track */
function end(track) {
  track.onended = null;
  track.stop();
}
