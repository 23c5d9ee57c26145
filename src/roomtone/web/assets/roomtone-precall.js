// Roomtone's test of the network before a call. SPDX-License-Identifier: Apache-2.0
//
//   import { precall } from "https://roomtone.example.org/roomtone-precall.js";
//   observe({ url, token, precall: await precall({ url, iceServers }) });
//
// Two connections in one page talk to each other over a data channel that neither orders nor
// repeats: by host candidates alone, by those that STUN found, and through TURN. What goes through
// TURN is measured: that is the way that a call may have to take.
// @ts-check

/** @typedef {import("./roomtone-precall.d.ts").PrecallOptions} PrecallOptions */
/** @typedef {{ send: (data: ArrayBuffer) => boolean, heard: (size: number, data: DataView) => void, close: () => void }} Line */

const PINGS = 10;
const PING_MS = 100;
const LAST_PING_MS = 500;
const LOSS_S = 3;
const LOSS_BYTES = 1024;
const LOSS_AT_ONCE = 3; // every 25 ms: close to 1 Mbit/s
const LOSS_MS = 25;
const FLOOD_BYTES = 1200;
const FLOOD_BUFFER = 256 * 1024;
const ASKED = 5;

const wait = (/** @type {number} */ ms) => new Promise((resolve) => setTimeout(resolve, ms));
const median = (/** @type {number[]} */ values) => values.sort((a, b) => a - b)[values.length >> 1];

/** @type {typeof import("./roomtone-precall.d.ts").precall} */
export async function precall({ url, iceServers = [], timeoutMs = 10_000 }) {
  const tried = (/** @type {string} */ kind) => connect(kind, iceServers, timeoutMs);
  const [host, reflexive, relay, backendRTT] = await Promise.all([
    tried("host"),
    iceServers.length ? tried("srflx") : undefined,
    iceServers.length ? tried("relay") : undefined,
    roundTrip(url),
  ]);
  host?.close();
  reflexive?.close();
  // Without servers to ask, nothing is known of the ways that need them.
  const asked = iceServers.length > 0;
  const connectivity = { host: !!host, ...(asked && { reflexive: !!reflexive, relay: !!relay }) };
  const turnConnectivity = asked ? !!relay : undefined;
  const { effectiveType: effectiveNetworkType } = /** @type {any} */ (navigator).connection ?? {};
  const result = { connectivity, turnConnectivity, effectiveNetworkType, backendRTT };
  if (!relay) return result;
  try {
    const { RTT, jitter } = await ping(relay);
    const fractionalLoss = await lose(relay);
    const throughput = await flood(relay, Math.min(Math.max(50 * (RTT ?? 0), 1), 10));
    return { ...result, RTT, jitter, fractionalLoss, throughput };
  } finally {
    relay.close();
  }
}

/** An open line by candidates of one kind alone; undefined if there is none in time.
 * @param {string} kind @param {RTCIceServer[]} iceServers @param {number} timeoutMs
 * @returns {Promise<Line | undefined>} */
async function connect(kind, iceServers, timeoutMs) {
  /** @type {RTCConfiguration} */
  const how = { iceServers, iceTransportPolicy: kind === "relay" ? "relay" : "all" };
  const near = new RTCPeerConnection(how);
  const far = new RTCPeerConnection(how);
  // roomtone.js does not take them for the call's.
  for (const pc of [near, far]) Object.defineProperty(pc, Symbol.for("roomtone.precall"), { value: true });
  const close = () => {
    near.close();
    far.close();
  };
  /** @param {RTCPeerConnection} from @param {RTCPeerConnection} to */
  const show = (from, to) => {
    from.onicecandidate = ({ candidate }) => {
      if (candidate?.type === kind) to.addIceCandidate(candidate).catch(() => {});
    };
  };
  show(near, far);
  show(far, near);
  try {
    const channel = near.createDataChannel("precall", { ordered: false, maxRetransmits: 0 });
    channel.binaryType = "arraybuffer";
    const opened = new Promise((resolve) => (channel.onopen = () => resolve(true)));
    /** @type {Line} */
    const line = {
      send(data) {
        if (channel.readyState !== "open" || channel.bufferedAmount > FLOOD_BUFFER) return false;
        channel.send(data);
        return true;
      },
      heard: () => {},
      close,
    };
    far.ondatachannel = ({ channel: other }) => {
      other.binaryType = "arraybuffer";
      other.onmessage = ({ data }) => line.heard(data.byteLength, new DataView(data));
    };
    // A description that is shown before gathering began holds no candidates of the wrong kind.
    const offer = await near.createOffer();
    await far.setRemoteDescription(offer);
    await near.setLocalDescription(offer);
    const answer = await far.createAnswer();
    await near.setRemoteDescription(answer);
    await far.setLocalDescription(answer);
    if (await Promise.race([opened, wait(timeoutMs)])) return line;
  } catch {
    // Not to be had: that is an answer too.
  }
  close();
  return undefined;
}

/** Seconds there and back: the line's far end is this page too. @param {Line} line */
async function ping(line) {
  /** @type {number[]} */
  const times = [];
  line.heard = (_size, data) => void times.push((performance.now() - data.getFloat64(0)) / 1000);
  for (let sent = 0; sent < PINGS; sent++) {
    const data = new DataView(new ArrayBuffer(8));
    data.setFloat64(0, performance.now());
    line.send(data.buffer);
    await wait(sent < PINGS - 1 ? PING_MS : LAST_PING_MS);
  }
  if (!times.length) return {};
  const mean = times.reduce((sum, time) => sum + time, 0) / times.length;
  const spread = times.reduce((sum, time) => sum + (time - mean) ** 2, 0) / times.length;
  return { RTT: median(times), jitter: Math.sqrt(spread) };
}

/** The fraction that is lost at about 1 Mbit/s. @param {Line} line */
async function lose(line) {
  let sent = 0;
  let received = 0;
  line.heard = () => void received++;
  const end = performance.now() + LOSS_S * 1000;
  while (performance.now() < end) {
    for (let i = 0; i < LOSS_AT_ONCE; i++) if (line.send(new ArrayBuffer(LOSS_BYTES))) sent++;
    await wait(LOSS_MS);
  }
  await wait(LAST_PING_MS);
  return received ? Math.max(0, 1 - received / sent) : undefined;
}

/** kbit/s that come through. @param {Line} line @param {number} seconds */
async function flood(line, seconds) {
  const start = performance.now();
  const half = start + seconds * 500;
  let all = 0;
  let late = 0;
  line.heard = (size) => {
    all += size;
    if (performance.now() > half) late += size;
  };
  const data = new ArrayBuffer(FLOOD_BYTES);
  while (performance.now() < start + seconds * 1000) {
    while (line.send(data));
    await wait(5);
  }
  const end = performance.now();
  // ms in, kbit/s out: 8 bits, 1,000 on both sides of the line.
  return Math.max((8 * late) / (end - half), (8 * all) / (end - start)) || undefined;
}

/** Seconds to Roomtone and back, over a connection that is open. @param {string} url */
async function roundTrip(url) {
  const times = [];
  try {
    for (let asked = 0; asked <= ASKED; asked++) {
      const start = performance.now();
      await fetch(`${url.replace(/\/+$/, "")}/healthz`, { mode: "no-cors", cache: "no-store", credentials: "omit" });
      if (asked) times.push((performance.now() - start) / 1000);
    }
  } catch {
    return undefined;
  }
  return median(times);
}
