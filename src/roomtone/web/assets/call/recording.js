// The collector in this page: what the record of the call is made from. A call goes on without it.
// SPDX-License-Identifier: Apache-2.0

import { observe } from "../roomtone.js";
import * as server from "./server.js";

/**
 * @typedef {import("./server.js").Joined} Joined
 * @typedef {import("./mesh.js").Link} Link
 * @typedef {import("./signalling.js").Said} Said
 */

const PATIENCE_MS = 10_000;
const TRIES = 4;
const AGAIN_MS = 500;

/**
 * Begin to observe. @param {Joined} joined @param {string} peerId @param {string} key
 */
export function recording(joined, peerId, key) {
  let token = joined.token;
  let asked = false;
  const observation = observe({
    url: location.origin,
    peerId,
    sdkName: "roomtone-call",
    sendMs: 5_000,
    // Asked again only when the one before was refused, or grew old.
    token: async () => {
      if (asked) token = (await server.join(joined.name, key).catch(() => ({ token }))).token;
      asked = true;
      return token;
    },
    onerror: (error) => console.warn("collector", error),
  });
  // Those who watch the console see somebody come at once.
  observation.flush();
  return {
    observation,
    /** What arrives from somebody. @param {Link} link */
    label(link) {
      for (const [source, track] of link.received) {
        observation.label(track, { source, peerId: link.person.peer_id });
      }
    },
    /** Our own words, once everybody has them. @param {Said} said */
    chat(said) {
      observation.chat({
        id: said.id,
        type: "text",
        userId: said.user_id,
        displayName: said.name,
        time: new Date(said.at).toISOString(),
        message: said.text,
      });
    },
    /** @param {string} id @param {string} text @param {boolean} final */
    caption(id, text, final) {
      observation.transcript({
        id,
        transcript: text,
        name: joined.name,
        peerId,
        userId: joined.user_id,
        customParticipantId: joined.custom_participant_id,
        isPartialTranscript: !final,
        timestamp: Date.now(),
      });
    },
    /** Where the record is, if there is one yet. */
    async find() {
      await Promise.race([observation.stop(), new Promise((done) => setTimeout(done, PATIENCE_MS))]);
      // Its row comes a moment after what was sent was accepted.
      for (let tries = 0; ; tries++) {
        const found = await server.record(token, peerId).catch(() => null);
        if (found?.session_id || tries === TRIES) return found;
        await new Promise((done) => setTimeout(done, AGAIN_MS));
      }
    },
  };
}
