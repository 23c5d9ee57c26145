// Before the call: a name, a look at oneself, the right devices.
// SPDX-License-Identifier: Apache-2.0

import { INSECURE, canCapture, list } from "./devices.js";
import { byId, setIcon, show } from "./dom.js";

/**
 * @typedef {import("./own.js").OwnMedia} OwnMedia
 * @typedef {import("./server.js").About} About
 */

const mic = byId("lobby-mic", HTMLButtonElement);
const cam = byId("lobby-cam", HTMLButtonElement);
const preview = byId("preview", HTMLVideoElement);
const pickMic = byId("pick-mic", HTMLSelectElement);
const pickCam = byId("pick-cam", HTMLSelectElement);
const name = byId("name", HTMLInputElement);
const level = /** @type {HTMLMeterElement} */ (document.getElementById("level"));

/**
 * Show it, and resolve to the name once somebody wants in.
 * @param {About} about @param {OwnMedia} own @param {string} before the name they had
 * @returns {Promise<string>}
 */
export async function lobby(about, own, before) {
  describe(about);
  name.value = before;
  show("lobby");
  (before ? byId("join") : name).focus();
  own.changed = () => draw(own);
  mic.onclick = () => switchMic(own);
  cam.onclick = () => switchCam(own);
  pickMic.onchange = () => own.openMicrophone(pickMic.value);
  pickCam.onchange = () => own.openCamera(pickCam.value);
  const timer = setInterval(() => {
    level.value = own.heard ? (own.loudness?.now() ?? 0) : 0;
  }, 100);
  draw(own);
  start(own);
  const given = await new Promise((resolve) => {
    byId("lobby-form", HTMLFormElement).onsubmit = (event) => {
      event.preventDefault();
      const text = name.value.trim();
      complain("name-fault", text ? "" : "Write a name that the others will see.");
      if (text) resolve(text);
      else name.focus();
    };
  });
  clearInterval(timer);
  preview.srcObject = null;
  own.changed = () => {};
  return given;
}

/** @param {string} text */
export function joinFault(text) {
  complain("name-fault", text);
}

/** Asked for one after the other: who has only one of them gets that one. @param {OwnMedia} own */
async function start(own) {
  if (!canCapture) {
    complain("device-fault", INSECURE);
    return;
  }
  const faults = [];
  if (own.microphone === null && own.unmuted) {
    await own.openMicrophone();
    faults.push(own.fault);
  }
  if (own.camera === null) {
    await own.openCamera();
    faults.push(own.fault);
  }
  complain("device-fault", [...new Set(faults.filter(Boolean))].join(" "));
  await lists(own);
}

/** @param {OwnMedia} own */
async function lists(own) {
  await list(pickMic, "audioinput", own.chosen.microphone);
  await list(pickCam, "videoinput", own.chosen.camera);
}

/** @param {OwnMedia} own */
async function switchMic(own) {
  if (own.microphone === null) {
    own.mute(true);
    await own.openMicrophone();
    complain("device-fault", own.fault);
    await lists(own);
  } else own.mute(!own.unmuted);
}

/** @param {OwnMedia} own */
async function switchCam(own) {
  if (own.camera !== null) own.closeCamera();
  else {
    await own.openCamera();
    complain("device-fault", own.fault);
    await lists(own);
  }
}

/** @param {OwnMedia} own */
function draw(own) {
  press(mic, own.heard, "mic", "Microphone");
  press(cam, own.camera !== null, "cam", "Camera");
  byId("preview-none").hidden = own.camera !== null;
  const playing = /** @type {MediaStream | null} */ (preview.srcObject)?.getVideoTracks()[0];
  if (playing !== (own.camera ?? undefined)) {
    preview.srcObject = own.camera ? new MediaStream([own.camera]) : null;
  }
}

/** @param {HTMLButtonElement} button @param {boolean} on @param {string} icon @param {string} what */
function press(button, on, icon, what) {
  button.setAttribute("aria-pressed", String(on));
  button.title = `${what} ${on ? "on" : "off"}`;
  setIcon(button, on ? icon : `${icon}-off`);
}

/** @param {About} about */
function describe(about) {
  byId("title").textContent = about.title || "Call";
  document.title = `${about.title || "Call"} · Roomtone`;
  byId("people").textContent = about.full
    ? `This call is full: it holds ${about.most} people. You can try again in a moment.`
    : about.people === 0
      ? "Nobody is here yet."
      : `${about.people === 1 ? "One person is" : `${about.people} people are`} here.`;
}

/** @param {string} id @param {string} text */
function complain(id, text) {
  const line = byId(id);
  line.textContent = text;
  line.hidden = text === "";
}
