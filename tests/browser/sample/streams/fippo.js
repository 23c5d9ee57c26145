// rtcstats 5.2 from npm, protocol 2.0, as its README sets it up.
const trace = require("rtcstats/trace-ws")(new URLSearchParams(location.search).get("endpoint"));
require("rtcstats")(trace, 500, [""]);
const { callMyself, sent } = require("./call.js");

window.begin = async () => {
  window.call = await callMyself();
  return window.call.near.connectionState;
};
window.finish = async () => {
  const packets = await sent(window.call.near);
  await new Promise((done) => setTimeout(done, 600));
  trace.close();
  return packets;
};
