// A call among the tabs of one browser, each connected with each. Signals go over a
// BroadcastChannel; whoever has the smaller name makes the offers, and the other asks for them.
const me = Math.random().toString(36).slice(2);
const channel = new BroadcastChannel(new URLSearchParams(location.search).get("room") ?? "call");
const others = new Map();
let stream;
let screen;

const send = (to, what) => channel.postMessage({ from: me, to, ...what });

function meet(name) {
  if (others.has(name)) return others.get(name);
  const pc = new RTCPeerConnection();
  others.set(name, pc);
  for (const track of stream.getTracks()) pc.addTrack(track, stream);
  pc.onicecandidate = ({ candidate }) => send(name, { candidate: candidate && candidate.toJSON() });
  pc.ontrack = ({ streams: [received] }) => {
    let video = document.getElementById(received.id);
    if (!video) {
      video = Object.assign(document.createElement("video"), { id: received.id, autoplay: true, muted: true });
      video.width = 160;
      document.getElementById("others").append(video);
    }
    video.srcObject = received;
  };
  pc.onconnectionstatechange = () => {
    const connected = [...others.values()].filter((each) => each.connectionState === "connected");
    document.getElementById("state").textContent = `with ${connected.length}`;
    if (pc.connectionState === "failed") forget(name);
  };
  pc.onnegotiationneeded = () => offer(name, pc);
  return pc;
}

async function offer(name, pc) {
  // An answer has only what the offer has room for.
  if (me > name) return send(name, { wish: pc.getTransceivers().length });
  if (pc.busy || pc.signalingState !== "stable") return (pc.again = true);
  pc.busy = true;
  await pc.setLocalDescription(await pc.createOffer());
  pc.busy = false;
  send(name, { description: pc.localDescription.toJSON() });
}

function forget(name) {
  others.get(name)?.close();
  others.delete(name);
}

async function hear({ data }) {
  if (data.to && data.to !== me) return;
  if (data.bye) return forget(data.from);
  if (data.hello) forget(data.from);
  const pc = meet(data.from);
  if (data.hello) send(data.from, { welcome: true });
  else if (data.wish) {
    while (pc.getTransceivers().length < data.wish) pc.addTransceiver("video", { direction: "recvonly" });
    await offer(data.from, pc);
  } else if (data.description) {
    await pc.setRemoteDescription(data.description);
    if (data.description.type === "offer") {
      await pc.setLocalDescription(await pc.createAnswer());
      send(data.from, { description: pc.localDescription.toJSON() });
    } else if (pc.again) {
      pc.again = false;
      await offer(data.from, pc);
    }
  } else if (data.candidate) await pc.addIceCandidate(data.candidate).catch(() => {});
}

document.getElementById("mute").onclick = () => {
  const [track] = stream.getAudioTracks();
  track.enabled = !track.enabled;
};
document.getElementById("camera").onclick = () => {
  const [track] = stream.getVideoTracks();
  track.enabled = !track.enabled;
};
document.getElementById("share").onclick = async () => {
  screen = await navigator.mediaDevices.getDisplayMedia({ video: true });
  for (const pc of others.values()) pc.addTrack(screen.getVideoTracks()[0], screen);
};
document.getElementById("leave").onclick = () => {
  channel.postMessage({ from: me, bye: true });
  for (const name of [...others.keys()]) forget(name);
};

(async () => {
  stream = await navigator.mediaDevices.getUserMedia({ audio: true, video: { width: 320, height: 240 } });
  document.getElementById("self").srcObject = stream;
  channel.onmessage = hear;
  channel.postMessage({ from: me, hello: true });
})();
