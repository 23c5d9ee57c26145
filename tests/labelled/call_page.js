// One person of a mesh call. The harness calls join(), then hear() with what others sent, and plays
// tricks on microphone and camera; what the page has to say goes to the harness through tell().

import { observe } from "/roomtone.js";

const LINKS = new Map(); // name → {pc, polite, peerId}
const STARTED = performance.now();
const RESTART_MS = 3000;
const me = { name: "", peerId: "", observer: null, stream: null, config: null };

const say = (to, kind, what) => window.tell(JSON.stringify({ from: me.name, to, kind, what }));

// --- what a camera and a microphone give ---------------------------------------------------------

function canvasCamera({ fps, width, height }, black) {
  const canvas = document.createElement("canvas");
  Object.assign(canvas, { width, height });
  const pen = canvas.getContext("2d");
  let frame = 0;
  const draw = () => {
    frame += 1;
    pen.fillStyle = black ? "#000" : `hsl(${(frame * 7) % 360} 60% 50%)`;
    pen.fillRect(0, 0, width, height);
    if (!black) {
      pen.fillStyle = "#fff";
      for (let i = 0; i < 12; i += 1) {
        pen.fillRect((frame * (3 + i) + i * 31) % width, (i * 23) % height, 24, 16);
      }
    }
  };
  draw();
  me.drawing = setInterval(draw, 1000 / fps);
  return canvas.captureStream(fps).getVideoTracks()[0];
}

function processed(track, gain) {
  const context = new AudioContext();
  const level = new GainNode(context, { gain });
  const out = context.createMediaStreamDestination();
  context.createMediaStreamSource(new MediaStream([track])).connect(level).connect(out);
  me.level = level;
  return out.stream.getAudioTracks()[0];
}

// A camera that is pulled out: the track of a generator whose writer closes ends by itself, as one
// of an unplugged device does; stop() was never called on it.
function unpluggable(track) {
  const { readable } = new MediaStreamTrackProcessor({ track });
  const generator = new MediaStreamTrackGenerator({ kind: "video" });
  const writer = generator.writable.getWriter();
  const reader = readable.getReader();
  (async () => {
    for (;;) {
      const { value, done } = await reader.read();
      if (done || me.unplugged) break;
      await writer.write(value);
    }
    await writer.close();
  })();
  return generator;
}

async function media({ audio, video, camera }) {
  const size = { width: camera.width, height: camera.height, frameRate: camera.fps };
  const raw = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
  let given;
  try {
    given = await navigator.mediaDevices.getUserMedia({ audio: raw, video: size });
  } catch (error) {
    say("*", "denied", error.name);
    return new MediaStream();
  }
  let [sound] = given.getAudioTracks();
  let [picture] = given.getVideoTracks();
  if (audio === "silent") sound = processed(sound, 0);
  if (video === "black" || video === "canvas") picture = canvasCamera(camera, video === "black");
  if (video === "unpluggable") picture = unpluggable(picture);
  return new MediaStream([sound, picture]);
}

// --- connections -----------------------------------------------------------------------------------

function show(track) {
  const element = document.createElement(track.kind);
  element.autoplay = true;
  element.srcObject = new MediaStream([track]);
  if (track.kind === "video") element.width = 64;
  document.getElementById("stage").append(element);
}

function connect(name, peerId, polite) {
  const pc = new RTCPeerConnection({
    iceServers: me.config.iceServers,
    iceTransportPolicy: me.config.policy,
    bundlePolicy: "max-bundle",
  });
  const link = { pc, polite, peerId, waiting: [] };
  LINKS.set(name, link);
  me.observer.identify(pc, peerId);
  pc.onicecandidate = ({ candidate }) => {
    if (candidate && candidate.candidate) say(name, "candidate", candidate.toJSON());
  };
  pc.ontrack = ({ track }) => show(track);
  pc.onconnectionstatechange = () => {
    say("*", "state", `${name} ${pc.connectionState} ${Math.round(performance.now() - STARTED)}`);
    if (pc.connectionState === "failed" && !polite && me.config.restarts) {
      setTimeout(() => restart(name), RESTART_MS);
    }
  };
  for (const track of me.stream.getTracks()) {
    const sender = pc.addTrack(track, me.stream);
    if (track.kind === "video") {
      cap(sender);
      prefer(pc.getTransceivers().find((one) => one.sender === sender), me.config.camera.codec);
    }
  }
  for (const kind of ["audio", "video"]) {
    if (!polite && !pc.getTransceivers().some((one) => one.sender.track?.kind === kind)) {
      pc.addTransceiver(kind, { direction: "recvonly" });
    }
  }
  return link;
}

function prefer(transceiver, codec) {
  if (!codec) return;
  const all = RTCRtpReceiver.getCapabilities("video").codecs;
  const first = all.filter((one) => one.mimeType === `video/${codec}`);
  transceiver.setCodecPreferences([...first, ...all.filter((one) => !first.includes(one))]);
}

async function cap(sender) {
  const parameters = sender.getParameters();
  for (const encoding of parameters.encodings) encoding.maxBitrate = me.config.camera.kbps * 1000;
  try {
    await sender.setParameters(parameters);
  } catch {
    // Before negotiation some versions refuse; then the browser's own ceiling holds.
  }
}

async function offer(name, how) {
  const { pc } = LINKS.get(name);
  await pc.setLocalDescription(await pc.createOffer(how));
  say(name, "offer", { sdp: pc.localDescription.sdp, peerId: me.peerId });
}

async function restart(name) {
  const link = LINKS.get(name);
  if (link && link.pc.connectionState === "failed") await offer(name, { iceRestart: true });
}

const HEARD = {
  // Whoever is there already offers to whoever comes.
  async hello(from, peerId) {
    HEARD.bye(from);
    connect(from, peerId, false);
    await offer(from);
  },
  async offer(from, { sdp, peerId }) {
    const link = LINKS.get(from) ?? connect(from, peerId, true);
    await link.pc.setRemoteDescription({ type: "offer", sdp });
    await link.pc.setLocalDescription(await link.pc.createAnswer());
    say(from, "answer", link.pc.localDescription.sdp);
    await drain(link);
  },
  async answer(from, sdp) {
    const link = LINKS.get(from);
    await link.pc.setRemoteDescription({ type: "answer", sdp });
    await drain(link);
  },
  async candidate(from, candidate) {
    const link = LINKS.get(from);
    if (!link) return;
    if (link.pc.remoteDescription) await link.pc.addIceCandidate(candidate);
    else link.waiting.push(candidate);
  },
  bye(from) {
    LINKS.get(from)?.pc.close();
    LINKS.delete(from);
  },
};

async function drain(link) {
  for (const candidate of link.waiting.splice(0)) await link.pc.addIceCandidate(candidate);
}

// --- what the harness asks for -----------------------------------------------------------------------

const tracks = (kind) => me.stream.getTracks().filter((track) => track.kind === kind);

const TRICKS = {
  mute: () => tracks("audio").forEach((track) => (track.enabled = false)),
  stopDrawing: () => clearInterval(me.drawing),
  async stopCamera() {
    for (const { pc } of LINKS.values()) {
      for (const sender of pc.getSenders()) {
        if (sender.track?.kind === "video") await sender.replaceTrack(null);
      }
    }
    tracks("video").forEach((track) => track.stop());
  },
  unplug() {
    me.unplugged = true;
    navigator.mediaDevices.dispatchEvent(new Event("devicechange"));
  },
  async leave() {
    await me.observer.stop();
    for (const { pc } of LINKS.values()) pc.close();
  },
};

window.call = {
  async join(config) {
    Object.assign(me, { name: config.name, config });
    me.observer = await observe({
      url: config.url,
      token: config.token,
      intervalMs: config.intervalMs,
    });
    me.peerId = me.observer.peerId;
    me.stream = await media(config);
    return me.peerId;
  },
  enter: () => say("*", "hello", me.peerId),
  hear: ({ from, kind, what }) => HEARD[kind](from, what),
  play: (trick) => TRICKS[trick](),
  flush: () => me.observer.flush(),
  async look() {
    const found = [];
    for (const [name, { pc }] of LINKS) {
      for (const stat of (await pc.getStats()).values()) {
        if (["inbound-rtp", "outbound-rtp", "candidate-pair", "remote-inbound-rtp"].includes(stat.type)) {
          found.push({ link: name, ...stat });
        }
      }
    }
    return found;
  },
};
window.ready = true;
