// A page in a Janus videoroom, written against Janus' JSON over a WebSocket and nothing else: one
// handle publishes, another receives everybody else's streams over one connection.
const asked = new URLSearchParams(location.search);
const room = /^\d+$/.test(asked.get("room")) ? Number(asked.get("room")) : asked.get("room");
const name = asked.get("name");
const opaque = asked.get("opaque") ?? name; // whom the application says that this is
const socket = new WebSocket(asked.get("janus"), "janus-protocol");
const waiting = new Map(); // transaction → what waits for its answer
const handles = new Map(); // handle → what hears of it
const received = new Set(); // tracks that play
let session;
let publisher;
let subscriber;
let privateId;
let sending;
let receiving;
let turn = Promise.resolve(); // negotiations of the subscriber, one after the other
let state = "joining";

function show(said) {
  state = said ?? state;
  document.getElementById("state").textContent = `${state}, receives ${received.size}`;
}

// Resolves with the answer; an acknowledgement is one only where nothing else follows.
function ask(janus, body = {}, handle = undefined) {
  const transaction = Math.random().toString(36).slice(2);
  const message = { janus, transaction, ...body };
  if (session) message.session_id = session;
  if (handle) message.handle_id = handle;
  socket.send(JSON.stringify(message));
  return new Promise((resolve, reject) => waiting.set(transaction, { resolve, reject, janus }));
}

const say = (handle, body, jsep) => ask("message", jsep ? { body, jsep } : { body }, handle);

socket.onmessage = ({ data }) => {
  const told = JSON.parse(data);
  const waits = waiting.get(told.transaction);
  const event = told.plugindata?.data;
  if (told.janus === "ack" && waits?.janus === "message") return;
  if (waits) {
    waiting.delete(told.transaction);
    if (told.janus === "error" || event?.error) waits.reject(new Error(told.error?.reason ?? event.error));
    else waits.resolve(told);
  }
  handles.get(told.sender)?.(told, event ?? {});
};

function connection(handle) {
  const pc = new RTCPeerConnection();
  pc.onicecandidate = ({ candidate }) => {
    const of = candidate ? candidate.toJSON() : { completed: true };
    ask("trickle", { candidate: of }, handle).catch(() => {});
  };
  return pc;
}

async function attach(hear) {
  const told = await ask("attach", { plugin: "janus.plugin.videoroom", opaque_id: opaque });
  handles.set(told.data.id, hear);
  return told.data.id;
}

async function publish() {
  const stream = await navigator.mediaDevices.getUserMedia({
    audio: true, video: { width: 320, height: 240 },
  });
  document.getElementById("self").srcObject = stream;
  publisher = await attach(heardOfRoom);
  const joined = await say(publisher, { request: "join", ptype: "publisher", room, display: name });
  privateId = joined.plugindata.data.private_id;
  window.inRoom = { feed: String(joined.plugindata.data.id), at: Date.now() };
  const pc = (sending = connection(publisher));
  for (const track of stream.getTracks()) pc.addTrack(track, stream);
  await pc.setLocalDescription(await pc.createOffer());
  const { type, sdp } = pc.localDescription;
  const answered = await say(publisher, { request: "publish" }, { type, sdp });
  await pc.setRemoteDescription(answered.jsep);
  await new Promise((done) => {
    pc.onconnectionstatechange = () => pc.connectionState === "connected" && done();
    pc.onconnectionstatechange();
  });
  show("publishes");
}

function heardOfRoom(_, event) {
  const streams = (event.publishers ?? []).map((one) => ({ feed: one.id }));
  if (streams.length) turn = turn.then(() => subscribe(streams)).catch(fail);
}

async function subscribe(streams) {
  if (!subscriber) {
    subscriber = await attach((told) => told.jsep && !told.transaction && answer(told.jsep));
    receiving = connection(subscriber);
    receiving.ontrack = ({ track }) => {
      const video = Object.assign(document.createElement("video"), { autoplay: true, muted: true });
      video.width = 160;
      video.srcObject = new MediaStream([track]);
      document.getElementById("others").append(video);
      track.onunmute = () => { received.add(track); show(); };
      track.onmute = () => { received.delete(track); show(); };
    };
    const about = { request: "join", ptype: "subscriber", room, private_id: privateId, streams };
    return negotiate((await say(subscriber, about)).jsep);
  }
  const told = await say(subscriber, { request: "subscribe", streams });
  if (told.jsep) await negotiate(told.jsep);
}

function answer(jsep) {
  turn = turn.then(() => negotiate(jsep)).catch(fail);
}

async function negotiate(jsep) {
  await receiving.setRemoteDescription(jsep);
  await receiving.setLocalDescription(await receiving.createAnswer());
  const { type, sdp } = receiving.localDescription;
  await say(subscriber, { request: "start" }, { type, sdp });
}

function fail(error) {
  console.error(`${name}: ${error.message}`);
}

// For the test: what this browser counted, by type and kind. A stream's last count is kept: the
// browser forgets a sender's streams when the sender goes.
const counts = new Map();
async function count() {
  for (const pc of [sending, receiving]) {
    for (const stat of (await pc?.getStats())?.values() ?? []) {
      const packets = { "outbound-rtp": "packetsSent", "inbound-rtp": "packetsReceived" }[stat.type];
      if (packets) counts.set(`${stat.type} ${stat.kind} ${stat.ssrc}`, stat[packets]);
    }
  }
}
setInterval(count, 250);
window.counted = async () => {
  await count();
  const sums = { "sent audio": 0, "sent video": 0, "received audio": 0, "received video": 0 };
  for (const [stream, packets] of counts) {
    const [type, kind] = stream.split(" ");
    sums[`${type === "outbound-rtp" ? "sent" : "received"} ${kind}`] += packets;
  }
  return sums;
};

// For the test: leave as an application does that says so.
window.leave = async () => {
  await say(publisher, { request: "leave" });
  await ask("destroy");
  show("left");
};

socket.onopen = async () => {
  session = (await ask("create")).data.id;
  setInterval(() => ask("keepalive").catch(() => {}), 20_000);
  await publish().catch(fail);
};
