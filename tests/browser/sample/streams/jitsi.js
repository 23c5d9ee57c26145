// Jitsi's rtcstats client as lib-jitsi-meet sets it up, unmodified.
import watch from "@jitsi/rtcstats/rtcstats";
import connectTrace from "@jitsi/rtcstats/trace-ws";
import { callMyself, sent } from "./call.js";

const asked = new URLSearchParams(location.search);
const trace = connectTrace({
  endpoint: asked.get("endpoint"),
  meetingFqn: asked.get("meeting"),
  onCloseCallback: ({ code }) => (window.closes ??= []).push(code),
  useLegacy: false,
});
watch(trace, { pollInterval: 500, useLegacy: false, sendSdp: false });
trace.connect(false);
trace.identity("identity", null, {
  confName: asked.get("meeting"), displayName: "Ann", deviceId: "device-of-ann",
  endpointId: "05e5393b", applicationName: "a test",
});

window.ticks = 0;
window.begin = async () => {
  const call = (window.call = await callMyself());
  window.ticking = setInterval(() => trace.statsEntry(":tick", null, { n: window.ticks++ }), 100);
  trace.statsEntry("dominantSpeaker", null, { dominantSpeakerEndpoint: "05e5393b" });
  return call.near.connectionState;
};
window.finish = async () => {
  clearInterval(window.ticking);
  const packets = await sent(window.call.near);
  await new Promise((done) => setTimeout(done, 600));
  window.call.near.close();
  window.call.far.close();
  return packets;
};
window.isConnected = () => trace.isConnected();
window.leave = () => trace.close();
