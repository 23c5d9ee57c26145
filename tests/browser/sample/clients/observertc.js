// An application that uses ObserveRTC's monitor as its README says: what "sample-created" gives is
// sent by the application itself, by one person over a WebSocket and by the other with fetch.
import { ClientMonitor } from "@observertc/client-monitor-js";
import { twoEnds } from "./two_ends.js";

const url = new URLSearchParams(location.search).get("url");
const monitors = [];
const received = {};

function counters(sample) {
  return Object.fromEntries(
    sample.peerConnections[0].inboundRtps.map((stat) => [stat.kind, stat.packetsReceived]),
  );
}

window.begin = async () => {
  const { ends, connect } = await twoEnds();
  const socket = new WebSocket(url.replace("http", "ws"));
  await new Promise((opened) => (socket.onopen = opened));
  const senders = {
    ana: (text) => socket.send(text),
    bo: (text) => fetch(url, { method: "POST", body: text, keepalive: true }),
  };
  ends.forEach((end, number) => {
    const clientId = ["ana", "bo"][number];
    const monitor = new ClientMonitor({
      clientId,
      callId: "observed",
      collectingPeriodInMs: 1000,
      samplingPeriodInMs: 2000,
    });
    monitor.on("sample-created", ({ sample }) => {
      received[clientId] = counters(sample);
      senders[clientId](JSON.stringify(sample));
    });
    monitor.addSource(end);
    monitors.push(monitor);
  });
  await connect();
  return "connected";
};

window.finish = () => {
  for (const monitor of monitors) monitor.close();
  return received;
};
