// A call of a page with itself, for the libraries that watch one: camera, microphone, two
// connections, ten seconds or whatever is asked for.

export async function callMyself() {
  const stream = await navigator.mediaDevices.getUserMedia({ audio: true, video: true });
  const [near, far] = [new RTCPeerConnection(), new RTCPeerConnection()];
  near.onicecandidate = ({ candidate }) => candidate && far.addIceCandidate(candidate);
  far.onicecandidate = ({ candidate }) => candidate && near.addIceCandidate(candidate);
  for (const track of stream.getTracks()) near.addTrack(track, stream);
  await near.setLocalDescription(await near.createOffer());
  await far.setRemoteDescription(near.localDescription);
  await far.setLocalDescription(await far.createAnswer());
  await near.setRemoteDescription(far.localDescription);
  await new Promise((done) => {
    const look = () => near.connectionState === "connected" ? done() : setTimeout(look, 50);
    look();
  });
  return { near, far, stream };
}

export async function sent(pc) {
  const stats = [...(await pc.getStats()).values()];
  return stats.filter((s) => s.type === "outbound-rtp").map((s) => [s.kind, s.packetsSent]);
}
