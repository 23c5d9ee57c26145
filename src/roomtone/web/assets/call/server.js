// The few questions the page asks over HTTP.
// SPDX-License-Identifier: Apache-2.0

/**
 * @typedef {{title: string, people: number, full: boolean, most: number, expires_at: string}} About
 * @typedef {{token: string, user_id: string, custom_participant_id: string, name: string,
 *   title: string, ice_servers: RTCIceServer[]}} Joined
 * @typedef {{session_id: string | null, console: string | null}} CallRecord
 */

/** What the server refused, in its own words. `status` 0: it was not reached at all. */
export class Refused extends Error {
  /** @param {number} status @param {string} message */
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

const [, , meeting = ""] = location.pathname.split("/");

export const meetingId = decodeURIComponent(meeting);
export const invite = new URLSearchParams(location.search).get("invite") ?? "";

const base = `/call/${encodeURIComponent(meetingId)}`;

/** What the invitation opens. @returns {Promise<About>} */
export function about() {
  return ask(`${base}/about?invite=${encodeURIComponent(invite)}`);
}

/** A participant token. @param {string} name @param {string} key @returns {Promise<Joined>} */
export function join(name, key) {
  return ask(`${base}/join`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ invite, name, key }),
  });
}

/**
 * The session that a connection became part of.
 * @param {string} token @param {string} peerId @returns {Promise<CallRecord>}
 */
export function record(token, peerId) {
  return ask(`${base}/record?peer_id=${peerId}`, {
    headers: { authorization: `Bearer ${token}`, "x-roomtone-console": "1" },
    // Who is signed in to the console is told where it shows this call.
    credentials: "same-origin",
  });
}

/** Where signalling is. */
export function signalAddress() {
  return `${location.protocol === "https:" ? "wss:" : "ws:"}//${location.host}${base}/signal`;
}

/** @param {string} path @param {RequestInit} [init] */
async function ask(path, init) {
  let answer;
  try {
    answer = await fetch(path, { credentials: "omit", cache: "no-store", ...init });
  } catch {
    throw new Refused(0, "The server cannot be reached. Check your connection and try again.");
  }
  const body = await answer.json().catch(() => null);
  if (answer.ok) return body;
  throw new Refused(answer.status, body?.error?.message ?? `The server answered ${answer.status}.`);
}
