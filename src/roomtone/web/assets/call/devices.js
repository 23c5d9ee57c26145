// Microphones, cameras, screens: asking for them, and saying why they are not to be had.
// SPDX-License-Identifier: Apache-2.0

/** @typedef {"audio" | "video"} Kind */

/** What to do, by the name of the DOMException and what was asked for. @type {Record<string, string>} */
const REMEDIES = {
  NotAllowedError:
    "The browser was not allowed to use the {what}. Allow it beside the address bar, then switch it on here.",
  NotFoundError: "No {what} was found. You can join without, and plug one in later.",
  NotReadableError: "Another program is using the {what}. Close it there, then switch it on here.",
  OverconstrainedError: "The chosen {what} is not there any more. Pick another one.",
  SecurityError: "This page may not use the {what} here.",
  AbortError: "The {what} did not start. Try again.",
};
const NAMES = { audio: "microphone", video: "camera" };

export const canCapture = Boolean(navigator.mediaDevices?.getUserMedia);
export const canShare = Boolean(navigator.mediaDevices?.getDisplayMedia);

/** @param {unknown} error @param {Kind} kind */
export function remedy(error, kind) {
  const name = error instanceof DOMException ? error.name : "";
  const what = NAMES[kind];
  const text = REMEDIES[name] ?? `The {what} cannot be used (${name || "unknown reason"}).`;
  return text.replaceAll("{what}", what);
}

export const INSECURE =
  "Browsers give cameras and microphones only to secure pages. Open this link by https, or on " +
  "localhost. You can still join to listen and to write.";

/** One track. Throws a DOMException. @param {Kind} kind @param {string} [deviceId] */
export async function open(kind, deviceId) {
  if (!canCapture) throw new DOMException("", "SecurityError");
  const stream = await navigator.mediaDevices.getUserMedia({ [kind]: wanted(kind, deviceId) });
  return stream.getTracks()[0];
}

/** @param {Kind} kind @param {string} [deviceId] @returns {MediaTrackConstraints} */
function wanted(kind, deviceId) {
  const device = deviceId ? { deviceId: { exact: deviceId } } : {};
  if (kind === "audio") {
    return { ...device, echoCancellation: true, noiseSuppression: true, autoGainControl: true };
  }
  // A mesh encodes the camera once for each person: a small machine sends a smaller picture.
  const height = (navigator.hardwareConcurrency ?? 4) <= 4 ? 360 : 720;
  return {
    ...device,
    width: { ideal: (height * 16) / 9 },
    height: { ideal: height },
    frameRate: { ideal: 24, max: 30 },
  };
}

/** A screen, a window or a tab, with its sound where there is any. Null: thought better of it. */
export async function openScreen() {
  try {
    const stream = await navigator.mediaDevices.getDisplayMedia({
      video: { frameRate: { ideal: 15, max: 30 } },
      audio: true,
    });
    const [video] = stream.getVideoTracks();
    video.contentHint = "detail";
    return { video, audio: stream.getAudioTracks()[0] ?? null };
  } catch (error) {
    if (error instanceof DOMException && error.name === "NotAllowedError") return null;
    throw error;
  }
}

/**
 * Fill a list of devices; its row is of no use where there is nothing to choose from.
 * @param {HTMLSelectElement} select @param {MediaDeviceKind} kind @param {string | undefined} chosen
 */
export async function list(select, kind, chosen) {
  const all = canCapture ? await navigator.mediaDevices.enumerateDevices() : [];
  const found = all.filter((device) => device.kind === kind && device.deviceId !== "");
  const options = found.map((device, number) => {
    const label = device.label || `${kind === "audiooutput" ? "Speaker" : "Device"} ${number + 1}`;
    return new Option(label, device.deviceId, false, device.deviceId === chosen);
  });
  select.replaceChildren(...(options.length ? options : [new Option("None found", "")]));
  select.disabled = options.length === 0;
}

/** The device behind a track. @param {MediaStreamTrack | null} track */
export function deviceOf(track) {
  return track?.getSettings().deviceId;
}
