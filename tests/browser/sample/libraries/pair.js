// Two ends of simple-peer in one page, with a microphone between them.
import Peer from "simple-peer/simplepeer.min.js";

(async () => {
  const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
  const caller = new Peer({ initiator: true, stream });
  const called = new Peer();
  caller.on("signal", (data) => called.signal(data));
  called.on("signal", (data) => caller.signal(data));
  called.on("stream", (received) => {
    const audio = Object.assign(document.createElement("audio"), { srcObject: received, autoplay: true });
    document.body.append(audio);
    setTimeout(() => (window.done = { connections: 2, media: true }), 3000);
  });
})();
