// How good the way to somebody is just now, for the small badge on their tile. The record has the
// real figures; this is only what is of use during a call.
// SPDX-License-Identifier: Apache-2.0

/**
 * @typedef {{rtt_ms: number | null, loss: number | null}} Path
 * @typedef {{grade: "good" | "fair" | "bad" | "unknown", text: string}} Quality
 */

export class PathMeter {
  #received = 0;
  #lost = 0;

  /** Since the last time. @param {RTCPeerConnection} pc @returns {Promise<Path>} */
  async read(pc) {
    let received = 0;
    let lost = 0;
    /** @type {number | null} */ let rtt = null;
    /** @type {number | null} */ let far = null;
    for (const stat of (await pc.getStats()).values()) {
      if (stat.type === "candidate-pair" && stat.nominated && stat.state === "succeeded") {
        if (stat.currentRoundTripTime !== undefined) rtt = stat.currentRoundTripTime * 1000;
      } else if (stat.type === "inbound-rtp") {
        received += stat.packetsReceived ?? 0;
        lost += stat.packetsLost ?? 0;
      } else if (stat.type === "remote-inbound-rtp" && stat.fractionLost !== undefined) {
        far = Math.max(far ?? 0, stat.fractionLost);
      }
    }
    const [more, gone] = [received - this.#received, Math.max(0, lost - this.#lost)];
    [this.#received, this.#lost] = [received, lost];
    const near = more + gone > 0 && more >= 0 ? gone / (more + gone) : null;
    const loss = near === null ? far : Math.max(near, far ?? 0);
    return { rtt_ms: rtt, loss };
  }
}

/** @param {Path} path @returns {Quality} */
export function graded({ rtt_ms, loss }) {
  if (rtt_ms === null && loss === null) return { grade: "unknown", text: "no figures yet" };
  const figures = [];
  if (rtt_ms !== null) figures.push(`${Math.round(rtt_ms)} ms there and back`);
  if (loss !== null) figures.push(`${(loss * 100).toFixed(loss < 0.1 ? 1 : 0)} % lost`);
  const [delay, gone] = [rtt_ms ?? 0, loss ?? 0];
  const grade = delay > 400 || gone > 0.06 ? "bad" : delay > 200 || gone > 0.02 ? "fair" : "good";
  return { grade, text: figures.join(", ") };
}
