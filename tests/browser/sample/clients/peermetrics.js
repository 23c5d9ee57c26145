// What the peermetrics SDK is made of, @peermetrics/webrtc-stats with the SDK's own options, and a
// sender that speaks to its API as the SDK does: JSON as text/plain, the token in the body.
import { WebRTCStats } from "@peermetrics/webrtc-stats";
import { twoEnds } from "./two_ends.js";

const query = new URLSearchParams(location.search);
let token = "";
let received = {};
let reports = 0;
let waiting = [];
let ids = null;

async function ask(path, body, method = "POST") {
  const answer = await fetch(query.get("url") + path, {
    method,
    headers: { "content-type": "text/plain" },
    body: JSON.stringify(token ? { ...body, token } : body),
  });
  const said = await answer.json();
  if (!answer.ok) throw new Error(said.error_code);
  return said;
}

function tell({ tag, event, data, error }) {
  if (tag === "stats") {
    const streams = [...data.audio.inbound, ...data.video.inbound];
    received = Object.fromEntries(streams.map((stat) => [stat.kind, stat.packetsReceived]));
    reports += 1;
    return ask("/stats", { ...ids, data });
  }
  if (tag === "getUserMedia") {
    const told = data.constraints ? { constraints: data.constraints } : data.details;
    return ask("/events/get-user-media", { eventName: "getUserMedia", data: told });
  }
  if (tag === "connection" && event !== "addConnection") {
    const candidate = data?.candidate;
    const said = event === "onicecandidate" ? data && { candidate } : (data ?? error);
    return ask("/connection", { ...ids, eventName: event, data: said });
  }
  return null;
}

window.begin = async () => {
  const about = { conferenceId: "measured", userId: "ana", userName: "Ana" };
  const start = await ask("/initialize", { ...about, apiKey: query.get("key") });
  token = start.token;
  token = (await ask("/sessions", { platform: {}, devices: [], webrtcSdk: "simplePeer" })).token;
  const stats = new WebRTCStats({
    getStatsInterval: 1000,
    rawStats: false,
    statsObject: true,
    filteredStats: false,
    remote: true,
    wrapGetUserMedia: true,
    logLevel: "none",
  });
  // The SDK, too, keeps what happens until it knows the ids.
  stats.on("timeline", (event) => (ids || !event.peerId ? tell(event) : waiting.push(event)));
  const { ends, connect } = await twoEnds();
  await stats.addConnection({ peerId: "bo", pc: ends[0] });
  const made = await ask("/connection", {
    eventName: "addConnection",
    peerId: "bo",
    connectionState: ends[0].connectionState,
    isSfu: false,
  });
  ids = { peerId: made.peer_id, connectionId: made.connection_id };
  waiting.forEach(tell);
  waiting = [];
  await connect();
  window.stop = () => stats.destroy();
  return "connected";
};

window.finish = async () => {
  window.stop();
  await ask("/events/browser", { eventName: "endCall" });
  return { received, reports };
};
