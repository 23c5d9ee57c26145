// Everybody's media to everybody: one RTCPeerConnection a person, by perfect negotiation (W3C
// WebRTC 1.0, 10.7). Each description says which of its media sections is what ("sources", by mid),
// so the other end knows a screen from a camera, and the record names the stream's owner.
// SPDX-License-Identifier: Apache-2.0

/**
 * @typedef {"microphone" | "camera" | "screenshare" | "screenshare_audio"} Source
 * @typedef {import("./signalling.js").Person} Person
 * @typedef {"waiting" | "connecting" | "connected" | "reconnecting" | "lost"} LinkState
 * @typedef {{
 *   tracks: (link: Link) => void,
 *   state: (link: Link, state: LinkState) => void,
 *   gone: (link: Link) => void,
 * }} Handlers
 * @typedef {{link: string, sources?: Record<string, Source>,
 *   description?: RTCSessionDescriptionInit, candidate?: RTCIceCandidateInit | null}} Signal
 */

/** How long somebody whose signalling and media both broke is waited for. */
const PATIENCE_MS = 12_000;
const RESTART_MS = 3_000;
/** Bits a second of one camera, by how many it goes to: a mesh sends it to each of them. */
const CAMERA_BPS = [1_500_000, 1_500_000, 900_000, 600_000];

/** One other person and the connection to them. */
export class Link {
  id = crypto.randomUUID();
  /** @type {RTCPeerConnection | null} */ pc = null;
  /** What arrives, by what it is. @type {Map<Source, MediaStreamTrack>} */ received = new Map();
  /** @type {LinkState} */ state = "waiting";
  /** @type {Map<Source, RTCRtpSender>} */ #senders = new Map();
  /** @type {Record<string, Source>} */ #sources = {};
  /** @type {string | undefined} */ #otherLink;
  #makingOffer = false;
  #ignoring = false;
  #answering = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} */ #timer;
  /** @type {ReturnType<typeof setTimeout> | undefined} */ #patience;

  /** @param {Mesh} mesh @param {Person} person */
  constructor(mesh, person) {
    this.mesh = mesh;
    this.person = person;
    this.polite = mesh.peerId < person.peer_id;
  }

  /** Make the connection. @param {boolean} first whether we speak first */
  open(first) {
    const pc = new RTCPeerConnection({ iceServers: this.mesh.iceServers });
    this.pc = pc;
    this.mesh.made(this, pc);
    pc.onnegotiationneeded = () => this.#offer(pc);
    pc.onicecandidate = ({ candidate }) => {
      if (pc === this.pc) this.#send({ candidate: candidate?.toJSON() ?? null });
    };
    pc.onconnectionstatechange = () => this.#moved(pc);
    // Open also between two people without any device: there is a path to tell of.
    pc.createDataChannel("presence", { negotiated: true, id: 0 });
    if (first) this.#addAll();
    this.#set("connecting");
  }

  /** @param {Signal} signal */
  async hear({ link, description, candidate, sources }) {
    if (this.#otherLink !== undefined && this.#otherLink !== link) this.#reset();
    this.#otherLink = link;
    const fresh = this.pc === null;
    if (fresh) this.open(false);
    const pc = /** @type {RTCPeerConnection} */ (this.pc);
    if (description) await this.#take(pc, description, sources ?? {}, fresh);
    else if (candidate !== undefined) {
      try {
        await pc.addIceCandidate(candidate ?? undefined);
      } catch (error) {
        if (!this.#ignoring && pc === this.pc) console.warn("candidate", error);
      }
    }
  }

  /** Send this as that, or nothing any more. @param {Source} source */
  async put(source) {
    const pc = this.pc;
    if (pc === null || pc.signalingState === "closed") return;
    const track = this.mesh.sent.get(source) ?? null;
    const sender = this.#senders.get(source);
    if (sender === undefined) {
      if (track !== null) this.#add(pc, source, track);
      return;
    }
    await sender.replaceTrack(track);
    const transceiver = pc.getTransceivers().find((one) => one.sender === sender);
    if (transceiver) transceiver.direction = track === null ? "recvonly" : "sendrecv";
  }

  /** The signalling is back: say again what may have been lost, and look for a new path. */
  resume() {
    clearTimeout(this.#patience);
    const pc = this.pc;
    if (pc === null) return;
    if (pc.signalingState === "have-local-offer" && pc.localDescription) this.#describe(pc);
    else if (this.state !== "connected") pc.restartIce();
  }

  /** Their signalling broke. They stay as long as their media does, and a little longer. */
  lose() {
    clearTimeout(this.#patience);
    this.#patience = setTimeout(() => {
      if (this.state === "connected") this.lose();
      else this.mesh.drop(this.person.peer_id);
    }, PATIENCE_MS);
  }

  close() {
    clearTimeout(this.#patience);
    clearTimeout(this.#timer);
    const pc = this.pc;
    this.pc = null;
    pc?.close();
  }

  /** How much each camera may take, now that so many are here. @param {number} others */
  async share(others) {
    const sender = this.#senders.get("camera");
    if (!sender?.track || this.state !== "connected") return;
    const parameters = sender.getParameters();
    const [encoding] = parameters.encodings;
    const most = CAMERA_BPS[Math.min(others, CAMERA_BPS.length - 1)];
    if (!encoding || encoding.maxBitrate === most) return;
    encoding.maxBitrate = most;
    await sender.setParameters(parameters).catch(() => {});
  }

  // --- negotiation ------------------------------------------------------------------------------

  /** @param {RTCPeerConnection} pc */
  async #offer(pc) {
    try {
      this.#makingOffer = true;
      await pc.setLocalDescription();
      this.#describe(pc);
    } catch (error) {
      if (pc === this.pc) console.warn("offer", error);
    } finally {
      this.#makingOffer = false;
    }
  }

  /**
   * @param {RTCPeerConnection} pc
   * @param {RTCSessionDescriptionInit} description
   * @param {Record<string, Source>} sources
   * @param {boolean} fresh
   */
  async #take(pc, description, sources, fresh) {
    const ready =
      !this.#makingOffer && (pc.signalingState === "stable" || this.#answering);
    const collision = description.type === "offer" && !ready;
    this.#ignoring = !this.polite && collision;
    if (this.#ignoring) return;
    this.#answering = description.type === "answer";
    try {
      await pc.setRemoteDescription(description);
    } finally {
      this.#answering = false;
    }
    this.#sources = sources;
    if (description.type === "offer") {
      // Their sections first, so that ours go into the same ones.
      if (fresh) this.#addAll();
      await pc.setLocalDescription();
      this.#describe(pc);
    }
    this.#sort(pc);
  }

  /** @param {RTCPeerConnection} pc */
  #describe(pc) {
    if (pc !== this.pc || !pc.localDescription) return;
    /** @type {Record<string, Source>} */
    const sources = {};
    for (const { mid, sender } of pc.getTransceivers()) {
      for (const [source, one] of this.#senders) {
        if (one === sender && mid && sender.track) sources[mid] = source;
      }
    }
    this.#send({ description: pc.localDescription.toJSON(), sources });
  }

  /** Which of their tracks is what. @param {RTCPeerConnection} pc */
  #sort(pc) {
    this.received.clear();
    for (const { mid, receiver } of pc.getTransceivers()) {
      const source = mid ? this.#sources[mid] : undefined;
      if (source === undefined || receiver.track.readyState !== "live") continue;
      this.received.set(source, receiver.track);
    }
    this.mesh.on.tracks(this);
  }

  /** @param {Partial<Signal>} signal */
  #send(signal) {
    this.mesh.send({ type: "signal", to: this.person.peer_id, data: { link: this.id, ...signal } });
  }

  #addAll() {
    const pc = this.pc;
    if (pc === null) return;
    for (const [source, track] of this.mesh.sent) {
      if (!this.#senders.has(source)) this.#add(pc, source, track);
    }
  }

  /** @param {RTCPeerConnection} pc @param {Source} source @param {MediaStreamTrack} track */
  #add(pc, source, track) {
    // A stream of its own, so that nobody waits to play a screen in step with a voice.
    this.#senders.set(source, pc.addTrack(track, new MediaStream([track])));
  }

  /** They began anew: so do we, and they speak first. */
  #reset() {
    this.close();
    this.id = crypto.randomUUID();
    this.#senders.clear();
    this.received.clear();
    this.mesh.on.tracks(this);
  }

  // --- how it goes ------------------------------------------------------------------------------

  /** @param {RTCPeerConnection} pc */
  #moved(pc) {
    if (pc !== this.pc) return;
    const was = this.state;
    clearTimeout(this.#timer);
    switch (pc.connectionState) {
      case "connected":
        this.#set("connected");
        this.mesh.shared();
        break;
      case "disconnected":
        this.#set("reconnecting");
        this.#timer = setTimeout(() => pc === this.pc && pc.restartIce(), RESTART_MS);
        break;
      case "failed":
        this.#set(was === "connecting" || was === "lost" ? "lost" : "reconnecting");
        pc.restartIce();
        // And again, should that be in vain: a state that stays the same is not told.
        this.#timer = setTimeout(() => this.#moved(pc), 4 * RESTART_MS);
        break;
      case "closed":
        this.#set("lost");
    }
  }

  /** @param {LinkState} state */
  #set(state) {
    if (state === this.state) return;
    this.state = state;
    this.mesh.on.state(this, state);
  }
}

/** All the links, and what we send over each. */
export class Mesh {
  /** @type {Map<string, Link>} */ links = new Map();
  /** What is sent, by what it is. @type {Map<Source, MediaStreamTrack>} */ sent = new Map();

  /**
   * @param {string} peerId ours
   * @param {RTCIceServer[]} iceServers
   * @param {(message: object) => void} send
   * @param {(link: Link, pc: RTCPeerConnection) => void} made told of each new connection
   * @param {Handlers} on
   */
  constructor(peerId, iceServers, send, made, on) {
    this.peerId = peerId;
    this.iceServers = iceServers;
    this.send = send;
    this.made = made;
    this.on = on;
  }

  /**
   * Somebody is in the call. Who comes in speaks first: `first` is true for the newcomer.
   * @param {Person} person @param {boolean} first
   */
  meet(person, first) {
    const known = this.links.get(person.peer_id);
    if (known) {
      known.person = person;
      known.resume();
      return known;
    }
    const link = new Link(this, person);
    this.links.set(person.peer_id, link);
    if (first) link.open(true);
    return link;
  }

  /** @param {string} peerId @param {Signal} signal */
  hear(peerId, signal) {
    this.links
      .get(peerId)
      ?.hear(signal)
      .catch((error) => console.warn("signal", error));
  }

  /** Send a track as this, or nothing. @param {Source} source @param {MediaStreamTrack | null} track */
  async put(source, track) {
    if (track === null) this.sent.delete(source);
    else this.sent.set(source, track);
    await Promise.all([...this.links.values()].map((link) => link.put(source)));
    this.shared();
  }

  /** Uplink is shared by everybody. */
  shared() {
    for (const link of this.links.values()) link.share(this.links.size);
  }

  /** @param {string} peerId */
  drop(peerId) {
    const link = this.links.get(peerId);
    if (!link) return;
    this.links.delete(peerId);
    link.close();
    this.on.gone(link);
    this.shared();
  }

  close() {
    for (const peerId of [...this.links.keys()]) this.drop(peerId);
  }
}
