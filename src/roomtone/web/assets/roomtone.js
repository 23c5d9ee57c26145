// Roomtone's browser collector. SPDX-License-Identifier: Apache-2.0
//
//   import { observe } from "https://roomtone.example.org/roomtone.js";
//   observe({ url, token });
//
// It watches the browser, not a library: Proxies follow methods of prototypes, so constructors and
// instances stay the browser's own.
// @ts-check

/** @typedef {import("./roomtone.d.ts").Options} Options */
/** @typedef {import("./roomtone.d.ts").Label} Label */
/** @typedef {{ event: string, timestamp: number, metaData?: object }} Entry */
/** @typedef {{ peer: string, seq: number, owner: string, at: number, entries: string[] }} Batch */

export const version = "0.1.0";

const LIFE_MS = 30_000; // after 90 s of silence one counts as gone
const HURRY_MS = 300;
const BACKLOG_MS = 120_000; // how long what happened before observe() is remembered
const BACKLOG = 200;
const ADOPT_MS = 60_000; // how often the queues of crashed tabs are looked for
const KEPT_CHARS = 4_000_000; // an hour of a call of four
const OLDEST_MS = 7 * 24 * 3600_000; // Roomtone takes nothing older
const BATCH_ENTRIES = 500;
const BEACON_BYTES = 60_000; // browsers allow 64 KB under way when a page ends
const EVENT_CHARS = 16_000;
const EVENTS_AT_ONCE = 200; // between two readings
const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 60_000;
const ANSWER_MS = 30_000;
const URGENT = new Set(["call_join", "chat_message", "transcript", "disconnect"]);

const nav = /** @type {any} */ (globalThis.navigator ?? {});
const post = globalThis.fetch?.bind(globalThis);
const now = () => Date.now();
const nothing = () => {};
const snake = (/** @type {string} */ name) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/** Runs what must not disturb the page. @template T @param {() => T} act @returns {T | undefined} */
function quietly(act) {
  try {
    return act();
  } catch (error) {
    for (const observer of observers) observer.complain(error);
  }
}

/** randomUUID() needs HTTPS; a blob's address always ends with a UUID. */
const uuid = () => crypto.randomUUID?.() ?? URL.createObjectURL(new Blob()).slice(-36);

// --- What the page does ---

/** @type {Set<Observer>} */
const observers = new Set();
/** @type {Map<string, WeakRef<RTCPeerConnection>>} */
const connections = new Map();
/** @type {WeakMap<RTCPeerConnection, string>} */
const names = new WeakMap();
/** Local tracks, and what they are if they cannot tell. @type {WeakMap<MediaStreamTrack, Label["source"] | "">} */
const local = new WeakMap();
/** @type {WeakSet<object>} */
const followed = new WeakSet();
const OURS = Symbol.for("roomtone.precall"); // marks connections that are no part of a call
/** @type {{ entry: Entry, pc?: RTCPeerConnection }[]} */
let backlog = [];
let made = 0;

/** Tells every observer. @param {string} event @param {object} metaData @param {RTCPeerConnection} [pc] */
function tell(event, metaData, pc) {
  const entry = { event, timestamp: now(), metaData };
  for (const observer of observers) quietly(() => observer.note(entry, pc));
  if (!observers.size) backlog = [...backlog.slice(1 - BACKLOG), { entry, pc }];
}

/** Something about what is sent has changed. */
function changed() {
  for (const observer of observers) observer.lookSoon();
}

/** Tells `done` how a call of a method ended.
 * @param {any} prototype @param {string} method
 * @param {(self: any, took_ms: number, error: any, value: any, args: any[]) => void} done
 * @param {(self: any) => void} [before] */
function follow(prototype, method, done, before) {
  const native = prototype?.[method];
  if (!native) return;
  prototype[method] = new Proxy(native, {
    apply(target, self, args) {
      const start = performance.now();
      quietly(() => before?.(self));
      const result = Reflect.apply(target, self, args);
      /** @param {any} [value] @param {any} [error] */
      const end = (value, error) =>
        quietly(() => done(self, Math.round(performance.now() - start), error && String(error.name), value, args));
      if (!result?.then) {
        end(result);
        return result;
      }
      // The page gets one link further: a rejection that it does not handle stays one.
      return result.then(
        (/** @type {any} */ value) => (end(value), value),
        (/** @type {any} */ error) => {
          end(undefined, error ?? Error());
          throw error;
        },
      );
    },
  });
}

/** Follows a window: the page's own, or an iframe's. @param {any} scope */
function followWindow(scope) {
  const peer = scope.RTCPeerConnection?.prototype;
  const media = scope.MediaDevices?.prototype;
  const track = scope.MediaStreamTrack?.prototype;
  if (followed.has(peer)) return;
  followed.add(peer);
  for (const method of ["createOffer", "createAnswer", "setLocalDescription", "setRemoteDescription"]) {
    const step = snake(method).replace("_description", "");
    follow(peer, method, (pc, duration_ms, error) => {
      if (names.has(pc)) tell("negotiation", { pc: names.get(pc), step, duration_ms, error }, pc);
      changed();
    }, see);
  }
  for (const method of ["addTrack", "addTransceiver", "addIceCandidate", "createDataChannel", "removeTrack"]) {
    follow(peer, method, changed, see);
  }
  // These find older connections.
  for (const method of ["getStats", "getSenders", "getReceivers", "getTransceivers"]) {
    follow(peer, method, nothing, see);
  }
  follow(peer, "close", (pc) => {
    if (connections.delete(names.get(pc) ?? "")) tell("peer_connection", { pc: names.get(pc), state: "closed" }, pc);
  }, (pc) => {
    // The last counters, while there are some.
    if (names.has(pc)) for (const observer of observers) observer.sample(pc);
  });
  follow(scope.RTCRtpSender?.prototype, "replaceTrack", changed);
  follow(track, "stop", changed);
  follow(track, "clone", (self, _took, _error, copy) => local.has(self) && own(copy, local.get(self)));
  for (const [method, display] of /** @type {const} */ ([["getUserMedia", false], ["getDisplayMedia", true]])) {
    follow(media, method, (_self, duration_ms, error, stream, [wanted]) => {
      for (const each of stream?.getTracks() ?? []) {
        own(each, !display ? "" : each.kind === "audio" ? "screenshare_audio" : "screenshare");
      }
      const asked = { audio: !!wanted?.audio, video: display || !!wanted?.video };
      tell("user_media", { ...asked, display, error, duration_ms });
      for (const observer of observers) observer.listDevices();
    });
  }
  followEnabled(track);
}

/** `track.enabled` has no event. @param {any} prototype */
function followEnabled(prototype) {
  const enabled = prototype && Object.getOwnPropertyDescriptor(prototype, "enabled");
  if (!enabled?.set) return;
  const set = new Proxy(enabled.set, {
    apply(target, self, args) {
      const before = quietly(() => self.enabled);
      Reflect.apply(target, self, args);
      quietly(() => local.has(self) && self.enabled !== before && tellEnabled(self));
    },
  });
  Object.defineProperty(prototype, "enabled", { ...enabled, set });
}

/** @param {MediaStreamTrack} track */
function tellEnabled(track) {
  tell(track.enabled ? "track_enabled" : "track_disabled", about(track));
}

/** What a local track is. @param {MediaStreamTrack} track @returns {NonNullable<Label["source"]>} */
function sourceOf(track) {
  const known = local.get(track) || (track.kind === "audio" && "microphone");
  if (known) return known;
  return track.getSettings?.().displaySurface || /^(detail|text)$/.test(track.contentHint) ? "screenshare" : "camera";
}

/** @param {MediaStreamTrack} track */
const about = (track) => ({ kind: track.kind, source: sourceOf(track), track_identifier: track.id });

/** Takes note of a local track. @param {MediaStreamTrack} track @param {Label["source"] | ""} [source] */
function own(track, source = "") {
  if (local.has(track)) return;
  local.set(track, source);
  track.addEventListener("mute", () => tell("track_muted", about(track)));
  track.addEventListener("unmute", () => tell("track_unmuted", about(track)));
  track.addEventListener("ended", () => {
    tell("track_ended", { ...about(track), label: track.label });
    changed();
  });
  if (!track.enabled) tellEnabled(track);
}

/** Takes note of a connection. @param {RTCPeerConnection} pc */
function see(pc) {
  if (names.has(pc) || OURS in pc || pc.signalingState === "closed") return;
  const name = `pc-${++made}`;
  names.set(pc, name);
  connections.set(name, new WeakRef(pc));
  tell("peer_connection", { pc: name, state: "open" }, pc);
  for (const member of ["connectionState", "iceConnectionState", "iceGatheringState", "signalingState"]) {
    pc.addEventListener(`${member.toLowerCase()}change`, () =>
      tell(snake(member), { pc: name, state: /** @type {any} */ (pc)[member] }, pc),
    );
  }
  const told = new Set();
  pc.addEventListener("icecandidateerror", (/** @type {any} */ error) => {
    const { errorCode: code, errorText: text, url } = error;
    if (told.has(url + code)) return;
    told.add(url + code);
    tell("ice_candidate_error", { pc: name, code, text, url }, pc);
  });
}

/** The connections that are open. */
function* alive() {
  for (const [name, held] of connections) {
    const pc = held.deref();
    if (pc && pc.signalingState !== "closed") yield pc;
    else connections.delete(name);
  }
}

if (globalThis.RTCPeerConnection) quietly(() => followWindow(globalThis));

// --- What getStats() says ---

const RTP = "ssrc kind codecId transportId";
/** All that is sent of a stats object, besides its type, id and timestamp. @type {Record<string, string[]>} */
const MEMBERS = {};
for (const [type, members] of Object.entries({
  codec: "mimeType sdpFmtpLine clockRate",
  "inbound-rtp":
    `${RTP} mid trackIdentifier packetsReceived packetsLost packetsDiscarded jitter bytesReceived ` +
    "retransmittedPacketsReceived retransmittedBytesReceived fecBytesReceived " +
    "lastPacketReceivedTimestamp jitterBufferDelay jitterBufferEmittedCount totalSamplesReceived " +
    "concealedSamples silentConcealedSamples concealmentEvents insertedSamplesForDeceleration " +
    "removedSamplesForAcceleration audioLevel totalAudioEnergy totalSamplesDuration framesReceived " +
    "framesDecoded framesDropped frameWidth frameHeight keyFramesDecoded qpSum freezeCount " +
    "totalFreezesDuration pauseCount totalDecodeTime firCount pliCount nackCount",
  "outbound-rtp":
    `${RTP} mid rid mediaSourceId remoteId active packetsSent bytesSent retransmittedPacketsSent ` +
    "retransmittedBytesSent targetBitrate frameWidth frameHeight framesEncoded keyFramesEncoded " +
    "qpSum totalEncodeTime firCount pliCount nackCount qualityLimitationReason " +
    "qualityLimitationDurations qualityLimitationResolutionChanges encoderImplementation " +
    "powerEfficientEncoder",
  "remote-inbound-rtp":
    `${RTP} localId packetsLost packetsReceived jitter fractionLost roundTripTime ` +
    "totalRoundTripTime roundTripTimeMeasurements",
  "media-source":
    "kind trackIdentifier audioLevel totalAudioEnergy totalSamplesDuration width height framesPerSecond",
  "candidate-pair":
    "localCandidateId remoteCandidateId state nominated selected bytesSent bytesReceived packetsSent " +
    "packetsReceived bytesDiscardedOnSend packetsDiscardedOnSend currentRoundTripTime " +
    "totalRoundTripTime availableOutgoingBitrate availableIncomingBitrate lastPacketSentTimestamp " +
    "lastPacketReceivedTimestamp",
  "local-candidate": "candidateType address port protocol relayProtocol networkType url",
  "remote-candidate": "candidateType address port protocol",
  transport:
    "selectedCandidatePairId selectedCandidatePairChanges dtlsState iceState bytesSent bytesReceived",
})) {
  MEMBERS[type] = ["type", "id", "timestamp", ...members.split(" ")];
}

/** The part of a report that is sent, and what tells whether anything moved since.
 * @param {RTCStatsReport} report @param {Map<string, string>} known what does not change, by id */
function select(report, known) {
  /** @type {any[]} */
  const all = [...report.values()];
  const pairs = all.filter((stat) => stat.type === "candidate-pair");
  const chosen = new Set(all.map((stat) => stat.selectedCandidatePairId));
  let used = pairs.filter((pair) => chosen.has(pair.id));
  if (!used.length) used = pairs.filter((pair) => pair.selected);
  if (!used.length) used = pairs.filter((pair) => pair.nominated);
  const wanted = new Set(used.flatMap((pair) => [pair.id, pair.localCandidateId, pair.remoteCandidateId]));
  for (const stat of all) if (/-rtp$/.test(stat.type)) wanted.add(stat.codecId);
  const selected = [];
  let moved = "";
  for (const stat of all) {
    const members = MEMBERS[stat.type];
    const optional = /^codec|candidate/.test(stat.type);
    if (!members || (optional && !wanted.has(stat.id))) continue;
    /** @type {any} */
    const some = {};
    for (const name of members) if (stat[name] != null) some[name] = stat[name];
    if (optional && stat.type !== "candidate-pair") {
      const text = JSON.stringify({ ...some, timestamp: 0 });
      if (known.get(stat.id) === text) continue;
      known.set(stat.id, text);
      moved += "new ";
    }
    if (/bound-rtp$|pair$/.test(stat.type)) moved += `${stat.bytesSent} ${stat.bytesReceived} `;
    selected.push(some);
  }
  return { selected, moved };
}

// --- What waits to be sent ---

/** Batches that are not acknowledged, in IndexedDB: they outlive the page. */
class Store {
  constructor() {
    /** @type {Promise<IDBDatabase>} */
    this.opened = new Promise((resolve, reject) => {
      const asked = indexedDB.open("roomtone", 1);
      asked.onupgradeneeded = () => asked.result.createObjectStore("batches", { keyPath: ["peer", "seq"] });
      asked.onsuccess = () => {
        asked.result.onversionchange = () => asked.result.close();
        resolve(asked.result);
      };
      asked.onerror = asked.onblocked = reject;
    });
    this.opened.catch(nothing);
    /** @type {IDBTransaction | undefined} */
    this.turn = undefined;
  }

  /** A turn is one transaction: of more, a page that ends loses the last.
   * @template T @param {(batches: IDBObjectStore) => IDBRequest<T>} act @returns {Promise<T | void>} */
  async run(act) {
    try {
      const database = await this.opened; // else in memory only
      const turn = (this.turn ??= database.transaction("batches", "readwrite"));
      const asked = act(turn.objectStore("batches"));
      await 0; // others act
      if (this.turn === turn) {
        turn.commit?.();
        this.turn = undefined;
      }
      await new Promise((resolve, reject) => {
        turn.addEventListener("complete", resolve);
        turn.addEventListener("abort", reject);
      });
      return asked.result;
    } catch {}
  }

  /** @param {Batch} batch */
  put(batch) {
    return this.run((batches) => batches.put(batch));
  }

  /** @param {Batch} batch */
  remove(batch) {
    return this.run((batches) => batches.delete([batch.peer, batch.seq]));
  }

  all() {
    return this.run((/** @returns {IDBRequest<Batch[]>} */ (batches) => batches.getAll()));
  }
}

/** Without a Blob: making one waits for another process. @param {string} text */
async function zipped(text) {
  const { readable, writable } = new CompressionStream("gzip");
  const writer = writable.getWriter();
  writer.write(new TextEncoder().encode(text)).catch(nothing);
  writer.close().catch(nothing);
  return new Response(readable).arrayBuffer();
}

/** Keeps and sends what one peer has to say. */
class Outbox {
  /** @param {Options} options @param {string} peer @param {(error: unknown) => void} complain */
  constructor(options, peer, complain) {
    this.url = `${options.url.replace(/\/+$/, "")}/v1/collect`;
    this.given = options.token;
    this.peer = peer;
    this.complain = complain;
    this.token = "";
    this.owner = "";
    this.seq = this.first = now(); // above any of an earlier page with this peer id
    /** @type {string[]} */
    this.gathered = [];
    /** @type {Batch[]} */
    this.waiting = [];
    this.dropped = 0;
    this.onDrop = nothing;
    this.failures = 0;
    this.notBefore = 0;
    this.refused = false;
    /** @type {Promise<void> | undefined} */
    this.sending = undefined;
    this.store = new Store();
    this.release = nothing;
    this.hold();
  }

  /** Shows other tabs that this one lives. */
  hold() {
    const held = new Promise((resolve) => (this.release = () => resolve(undefined)));
    nav.locks?.request(`roomtone:${this.peer}`, () => held).catch(nothing);
  }

  /** @param {Entry} entry */
  add(entry) {
    if (!this.refused) this.gathered.push(JSON.stringify(entry));
    if (this.gathered.length >= BATCH_ENTRIES) this.seal();
  }

  /** @returns {Batch} */
  batch() {
    return { peer: this.peer, seq: this.seq, owner: this.owner, at: now(), entries: this.gathered };
  }

  /** Keeps what was gathered so far: the tab may crash. */
  async persist() {
    if (this.gathered.length) await this.store.put(this.batch());
  }

  /** What was gathered becomes a batch. */
  seal() {
    if (this.dropped) {
      const metaData = { count: this.dropped };
      this.dropped = 0;
      this.add({ event: "collector_dropped", timestamp: now(), metaData });
    }
    if (!this.gathered.length) return;
    const batch = this.batch();
    this.seq++;
    this.gathered = [];
    this.waiting.push(batch);
    void this.store.put(batch);
    this.bound();
  }

  /** Drops the oldest readings, then the oldest events, where more waits than may. */
  bound() {
    let total = this.waiting.reduce((sum, batch) => sum + this.body(batch).length, 0);
    for (const readings of [true, false]) {
      for (const batch of this.waiting.slice(0, -1)) {
        if (total <= KEPT_CHARS) return;
        const before = batch.entries.length;
        total -= this.body(batch).length;
        batch.entries = batch.entries.filter((entry) => readings && !entry.startsWith('{"event":"stats"'));
        total += this.body(batch).length;
        this.dropped += before - batch.entries.length;
        if (batch.entries.length) void this.store.put(batch);
        else this.forget(batch);
        this.onDrop();
      }
    }
  }

  /** Sends what waits, in order, until that is done or has to be tried later. */
  send() {
    this.sending ??= this.drain().finally(() => (this.sending = undefined));
    return this.sending;
  }

  async drain() {
    let batch;
    while ((batch = this.waiting[0]) && !this.refused && now() >= this.notBefore) {
      const wait = await this.deliver(batch).catch(() => this.backoff());
      if (wait) this.notBefore = now() + wait;
      else this.failures = 0;
    }
  }

  /** How long to wait after a failure. */
  backoff() {
    const most = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** this.failures++);
    return most * (0.5 + Math.random() / 2);
  }

  /** @param {Batch} batch @returns {Promise<number>} ms to wait; 0: the batch is done with */
  async deliver(batch) {
    await this.refresh();
    /** @type {Record<string, string>} */
    const headers = { authorization: `Bearer ${this.token}`, "content-type": "application/json" };
    /** @type {BodyInit} */
    let body = this.body(batch);
    if (globalThis.CompressionStream) {
      body = await zipped(body);
      headers["content-encoding"] = "gzip";
    }
    const signal = AbortSignal.timeout?.(ANSWER_MS) ?? null;
    const answer = await post(this.url, {
      method: "POST", headers, body, signal, credentials: "omit", cache: "no-store", priority: "low",
    });
    const { ok, status } = answer;
    if (!ok && status < 500 && status !== 429) {
      this.complain(new Error(`Roomtone answered ${status}: ${(await answer.text()).slice(0, 500)}`));
    }
    if (ok) this.forget(batch);
    else if (status === 403) this.refuse(batch);
    else if (/400|413|422/.test(`${status}`)) this.split(batch);
    else {
      if (status === 401) this.token = ""; // asks for another
      return Math.max(this.backoff(), 1000 * Number(answer.headers.get("retry-after")) || 0);
    }
    return 0;
  }

  /** Nothing of this peer is taken any more. @param {Batch} batch */
  refuse(batch) {
    this.refused = batch.peer === this.peer;
    for (const each of this.waiting) if (each.peer === batch.peer) this.forget(each);
  }

  /** One wrong entry has the whole batch refused: halve it until that one is alone. @param {Batch} batch */
  split(batch) {
    const { entries } = batch;
    const middle = entries.length >> 1;
    if (!middle) this.dropped++;
    const halves = middle ? [entries.slice(0, middle), entries.slice(middle)] : [];
    const parts = halves.map((half) => ({ ...batch, seq: this.seq++, entries: half }));
    const at = this.waiting.indexOf(batch);
    this.forget(batch);
    this.waiting.splice(at, 0, ...parts);
    for (const part of parts) void this.store.put(part);
    return parts;
  }

  /** @param {Batch} batch */
  forget(batch) {
    this.waiting = this.waiting.filter((other) => other !== batch);
    void this.store.remove(batch);
  }

  /** @param {Batch} batch */
  body(batch) {
    return `{"peer_id":"${batch.peer}","seq":${batch.seq},"entries":[${batch.entries.join()}]}`;
  }

  /** Gets a token, and knows whose it is. */
  async refresh() {
    if (this.token) return;
    this.token = String(typeof this.given === "function" ? await this.given() : this.given);
    this.owner = quietly(() => {
      const { orgId, meetingId, participantId } = JSON.parse(atob(this.token.split(".")[1] ?? ""));
      return `${orgId} ${meetingId} ${participantId}`;
    }) ?? "";
    for (const batch of this.waiting) {
      if (batch.owner) continue;
      batch.owner = this.owner;
      void this.store.put(batch);
    }
  }

  /** Takes over what crashed tabs of the same person left. */
  async adopt() {
    await this.refresh();
    const locks = nav.locks ? (await nav.locks.query()).held : undefined;
    const living = new Set(locks?.map((/** @type {any} */ lock) => lock.name));
    for (const batch of (await this.store.all()) ?? []) {
      const { peer, seq, owner, at } = batch;
      const age = now() - at;
      const lives = peer === this.peer ? seq >= this.first : locks ? living.has(`roomtone:${peer}`) : age < 10 * ADOPT_MS;
      if (age > OLDEST_MS) await this.store.remove(batch);
      else if (!lives && owner === this.owner && !this.waiting.some((each) => each.peer === peer && each.seq === seq)) {
        this.waiting.push(batch);
      }
    }
    this.waiting.sort((a, b) => a.at - b.at);
  }

  /** Goes on trying after the end. */
  async finish() {
    while (this.waiting.length && !this.refused) {
      await new Promise((resolve) => setTimeout(resolve, FIRST_WAIT_MS));
      await this.send();
    }
    this.release();
  }

  /** The page ends: what fits into beacons goes now, the rest with the next page. */
  part() {
    this.seal();
    const target = `${this.url}?token=${encodeURIComponent(this.token)}`;
    let room = BEACON_BYTES;
    // The latest first: it says that the person left.
    const queue = this.refused || !this.token ? [] : this.waiting.filter(({ peer }) => peer === this.peer).reverse();
    for (let batch; (batch = queue.shift()); ) {
      const body = new Blob([this.body(batch)], { type: "text/plain" });
      if (body.size > room && batch.entries.length > 1 && room > 4000) queue.unshift(...this.split(batch).reverse());
      else if (body.size <= room && nav.sendBeacon?.(target, body)) room -= body.size;
    }
    this.release();
  }
}

// --- One observation ---

/** @type {Record<string, [string, string]>} */
const SWITCHED = {
  microphone: ["audio_on", "audio_off"],
  camera: ["video_on", "video_off"],
  screenshare: ["screenshare_started", "screenshare_stopped"],
};
const DEVICES = { audioinput: "audio", videoinput: "video", audiooutput: "speaker" };
/** @type {Record<string, string>} */
const PERMISSIONS = { granted: "ACCEPTED", denied: "DENIED", prompt: "NOT_REQUESTED" };

class Observer {
  /** @param {Options} options */
  constructor(options) {
    this.options = options;
    this.peer = options.peerId && /^[\da-f-]{36}$/i.test(options.peerId) ? options.peerId : uuid();
    this.outbox = new Outbox(options, this.peer, (error) => this.complain(error));
    this.outbox.onDrop = () => this.known.clear();
    /** What was sent of each connection. @type {Map<string, { stats: Map<string, string>, moved: string, at: number }>} */
    this.known = new Map();
    /** @type {Map<string, Label>} */
    this.labels = new Map();
    /** @type {WeakMap<RTCPeerConnection, string>} */
    this.remotes = new WeakMap();
    /** @type {Set<string>} */
    this.sent = new Set();
    /** @type {Map<string, string>} */
    this.devices = new Map();
    this.lastSign = 0;
    this.burst = 0;
    this.looking = 0;
    this.hurrying = 0;
    this.lastSend = now();
    this.lastAdopt = 0;
    this.ended = false;
    /** @type {(() => void)[]} */
    this.undo = [];
  }

  /** @param {unknown} error */
  complain(error) {
    try {
      this.options.onerror?.(error);
    } catch {
      // The page's own.
    }
  }

  /** Whether a connection belongs to this call. @param {RTCPeerConnection} pc */
  has(pc) {
    return !this.options.filter || !!quietly(() => this.options.filter?.(pc));
  }

  /** @param {Entry} entry @param {RTCPeerConnection} [pc] */
  note(entry, pc) {
    if (this.ended || (pc && !this.has(pc))) return;
    this.lastSign = now();
    if (++this.burst > EVENTS_AT_ONCE && entry.event !== "stats") this.outbox.dropped++;
    else this.outbox.add(entry);
    if (URGENT.has(entry.event)) this.hurry();
  }

  /** @param {string} event @param {object} [metaData] */
  say(event, metaData) {
    quietly(() => {
      if (JSON.stringify(metaData ?? {}).length > EVENT_CHARS) throw new Error(`${event}: more than ${EVENT_CHARS} characters`);
      this.note({ event: String(event), timestamp: now(), metaData });
    });
  }

  hurry() {
    this.hurrying ||= setTimeout(() => {
      this.hurrying = 0;
      void this.flush();
    }, HURRY_MS);
  }

  /** @returns {Promise<boolean>} */
  async flush() {
    quietly(() => this.outbox.seal());
    this.lastSend = now();
    await this.outbox.send().catch((error) => this.complain(error));
    return !this.outbox.waiting.length && !this.outbox.gathered.length;
  }

  /** Looks at what is sent, a moment later: changes come together. */
  lookSoon() {
    this.looking ||= setTimeout(() => {
      this.looking = 0;
      quietly(() => this.look());
    });
  }

  /** Tells what began or ended to be sent, and from which device. */
  look() {
    if (this.ended) return;
    const sending = new Set();
    for (const pc of alive()) {
      if (!this.has(pc)) continue;
      for (const { track } of pc.getSenders()) {
        if (track?.readyState !== "live") continue;
        own(track);
        const source = sourceOf(track);
        if (!sending.has(source)) this.selected(track);
        sending.add(source);
      }
    }
    for (const [source, [on, off]] of Object.entries(SWITCHED)) {
      if (sending.has(source) !== this.sent.has(source)) this.say(sending.has(source) ? on : off);
    }
    this.sent = sending;
  }

  /** @param {MediaStreamTrack} track */
  selected(track) {
    const { label, kind } = track;
    const { deviceId } = track.getSettings?.() ?? {};
    const source = sourceOf(track);
    if (!deviceId || source.startsWith("screen") || this.options.devices === false) return;
    if (this.devices.get(source) === deviceId) return;
    this.devices.set(source, deviceId);
    this.say(`selected_${source}_update`, { device: { deviceId, kind: `${kind}input`, label } });
  }

  async listDevices() {
    if (this.options.devices === false) return;
    const found = (await nav.mediaDevices?.enumerateDevices?.().catch(nothing)) ?? [];
    for (const [kind, name] of Object.entries(DEVICES)) {
      const deviceList = found
        .filter((/** @type {any} */ device) => device.kind === kind && device.label)
        .map((/** @type {any} */ { deviceId, label }) => ({ deviceId, kind, label }));
      const text = JSON.stringify(deviceList);
      if (text === (this.devices.get(kind) ?? "[]")) continue;
      this.devices.set(kind, text);
      this.say(`${name}_devices_updates`, { deviceList });
    }
  }

  /** What the streams of a connection are. @param {RTCPeerConnection} pc */
  tracks(pc) {
    const remote = this.remotes.get(pc);
    const found = [];
    for (const { sender, receiver } of pc.getTransceivers()) {
      for (const track of [sender.track, receiver.track]) {
        if (!track) continue;
        const ours = track === sender.track;
        const label = { ...quietly(() => this.options.tracks?.(track, pc)), ...this.labels.get(track.id) };
        const said = {
          track_identifier: track.id, // a mid stands for what is sent and for what is received
          source: label.source ?? (ours ? sourceOf(track) : undefined),
          peer_id: label.peerId ?? (ours ? undefined : remote),
          producer_id: label.producerId,
          consumer_id: label.consumerId,
          paused: label.paused ?? ((ours && !track.enabled) || undefined),
        };
        if (Object.values(said).filter(Boolean).length > 1) found.push(said);
      }
    }
    return found;
  }

  /** Reads the counters of a connection. @param {RTCPeerConnection} pc */
  async sample(pc) {
    const name = names.get(pc);
    if (!name || this.ended || !this.has(pc)) return;
    try {
      const tracks = this.tracks(pc);
      const report = await pc.getStats();
      const before = this.known.get(name) ?? { stats: new Map(), moved: "", at: 0 };
      const { selected, moved } = select(report, before.stats);
      const at = now();
      if (!moved || (moved === before.moved && at - before.at < LIFE_MS)) return;
      this.known.set(name, { stats: before.stats, moved, at });
      this.note({ event: "stats", timestamp: at, metaData: { pc: name, report: selected, tracks } });
    } catch (error) {
      if (pc.signalingState !== "closed") this.complain(error);
    }
  }

  /** What is done every few seconds. */
  async tick() {
    if (this.outbox.refused) return this.end();
    this.burst = 0;
    quietly(() => this.look());
    await Promise.all([...alive()].map((pc) => this.sample(pc)));
    if (now() - this.lastSign > LIFE_MS) {
      // Alone in the room, and still here.
      this.note({ event: "stats", timestamp: now(), metaData: { pc: "page", report: [] } });
    }
    if (now() - this.lastAdopt > ADOPT_MS) {
      this.lastAdopt = now();
      await this.outbox.adopt().catch((error) => this.complain(error));
    }
    if (now() - this.lastSend > (this.options.sendMs ?? 10_000) - 500) await this.flush();
    else await Promise.all([this.outbox.persist(), this.outbox.send()]);
  }

  start() {
    const { options } = this;
    const interval = Math.min(Math.max(options.intervalMs ?? 5_000, 1_000), 30_000);
    for (const { entry, pc } of backlog) if (entry.timestamp > now() - BACKLOG_MS) this.note(entry, pc);
    backlog = [];
    observers.add(this);
    for (const pc of options.connections ?? []) see(pc);
    void this.join().catch((error) => this.complain(error));
    this.listen();
    const timer = setInterval(() => void this.tick().catch((error) => this.complain(error)), interval);
    this.undo.push(() => clearInterval(timer));
    if (options.precall) this.say("precall_end", { connectionInfo: options.precall });
    this.lookSoon();
    void this.listDevices();
  }

  async join() {
    const timestamp = now();
    const agent = nav.userAgentData;
    const told = await agent?.getHighEntropyValues?.(["platformVersion", "fullVersionList"]).catch(nothing);
    const brand = told?.fullVersionList?.find((/** @type {any} */ { brand }) => !/Not|Chromium/.test(brand));
    const windows11 = agent?.platform === "Windows" && parseInt(told?.platformVersion) >= 13;
    const deviceInfo = {
      isMobile: agent?.mobile,
      browserVersion: brand?.version,
      osVersionName: windows11 ? "11" : undefined, // the user agent says 10 of both
      cpus: nav.hardwareConcurrency,
      memory: nav.deviceMemory,
      webglSupport: "WebGLRenderingContext" in globalThis,
    };
    const { sdkName = "roomtone.js", sdkVersion = version } = this.options;
    const peerMetaData = { deviceInfo, sdkName, sdkVersion, sdkType: "web" };
    this.note({ event: "call_join", timestamp, metaData: { peerMetaData } });
    this.network();
    if (document.visibilityState === "hidden") this.say("browser_backgrounded");
  }

  network() {
    const { type, effectiveType: effective_type } = nav.connection ?? {};
    this.say("network_change", { type, effective_type, online: nav.onLine });
  }

  /** @param {any} target @param {string} type @param {(event: any) => void} act */
  on(target, type, act) {
    const listener = (/** @type {any} */ event) => void quietly(() => act(event));
    target?.addEventListener?.(type, listener, true);
    this.undo.push(() => target?.removeEventListener?.(type, listener, true));
  }

  listen() {
    this.on(document, "visibilitychange", () => {
      const hidden = document.visibilityState === "hidden";
      this.say(hidden ? "browser_backgrounded" : "browser_foregrounded");
      if (hidden) void this.flush(); // a phone may never let this page run again
    });
    if (this.options.iframes) {
      followFrames();
      this.on(document, "load", followFrames); // of the iframes: these events only come down
    }
    this.on(document, "freeze", () => {
      this.say("page_frozen");
      void this.outbox.persist();
    });
    this.on(document, "resume", () => this.back());
    this.on(globalThis, "pagehide", ({ persisted }) => {
      this.say(persisted ? "page_frozen" : "page_unload");
      if (!persisted) this.say("disconnect", { reason: "page_unload" });
      this.outbox.part();
    });
    this.on(globalThis, "pageshow", ({ persisted }) => {
      if (!persisted) return;
      this.outbox.hold();
      this.back();
    });
    for (const type of ["online", "offline"]) this.on(globalThis, type, () => this.network());
    this.on(globalThis, "online", () => {
      this.outbox.notBefore = Math.min(this.outbox.notBefore, now() + 2000 * Math.random());
      this.hurry();
    });
    this.on(nav.connection, "change", () => this.network());
    this.on(nav.mediaDevices, "devicechange", () => void this.listDevices());
    for (const [name, deviceType] of [["microphone", "AUDIO"], ["camera", "VIDEO"]]) {
      void nav.permissions?.query({ name }).then((/** @type {any} */ status) => {
        const told = () => this.say("media_permission", { deviceType, permission: PERMISSIONS[status.state] });
        told();
        this.on(status, "change", told);
      }).catch(nothing); // not every browser knows these names
    }
    this.pressure();
  }

  pressure() {
    const Pressure = /** @type {any} */ (globalThis).PressureObserver;
    if (!Pressure) return;
    let last = "nominal";
    const observer = new Pressure((/** @type {any[]} */ records) => {
      const cpu = records.at(-1).state;
      if (cpu !== last) this.say("compute_pressure", { cpu });
      last = cpu;
    });
    observer.observe("cpu", { sampleInterval: 5_000 }).catch(nothing);
    this.undo.push(() => observer.disconnect());
  }

  /** The page runs again. */
  back() {
    this.say("page_resumed");
    this.outbox.notBefore = 0;
    this.hurry();
  }

  async stop() {
    if (this.ended) return;
    await Promise.all([...alive()].map((pc) => this.sample(pc)));
    this.say("disconnect");
    this.end();
    await this.flush();
    void this.outbox.finish();
  }

  end() {
    this.ended = true;
    observers.delete(this);
    for (const undo of this.undo) quietly(undo);
    clearTimeout(this.hurrying);
  }
}

function followFrames() {
  for (const frame of document.querySelectorAll("iframe")) {
    try {
      const scope = /** @type {any} */ (frame.contentWindow);
      if (scope?.RTCPeerConnection) followWindow(scope);
    } catch {
      // Of another origin.
    }
  }
}

/** @type {typeof import("./roomtone.d.ts").observe} */
export function observe(options) {
  const observer = new Observer(options);
  quietly(() => observer.start());
  return {
    peerId: observer.peer,
    say: (event, data) => observer.say(event, data),
    chat(message, action = "add") {
      const whole = typeof message === "string" ? { message } : message;
      const added = action === "add" ? { type: "text", time: new Date().toISOString() } : {};
      observer.say("chat_message", { action, message: { id: uuid(), ...added, ...whole } });
    },
    transcript(segment) {
      const whole = typeof segment === "string" ? { transcript: segment } : segment;
      observer.say("transcript", { id: uuid(), peerId: observer.peer, ...whole });
    },
    label: (track, label) => void observer.labels.set(typeof track === "string" ? track : track.id, label),
    identify: (connection, peerId) => void observer.remotes.set(connection, peerId),
    flush: () => observer.flush(),
    stop: () => observer.stop(),
  };
}
