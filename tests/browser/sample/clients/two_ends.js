// Two connected ends of a call in one page, with real media between them.
export async function twoEnds() {
  const media = await navigator.mediaDevices.getUserMedia({ audio: true, video: true });
  const ends = [new RTCPeerConnection(), new RTCPeerConnection()];
  const [first, second] = ends;
  first.onicecandidate = ({ candidate }) => candidate && second.addIceCandidate(candidate);
  second.onicecandidate = ({ candidate }) => candidate && first.addIceCandidate(candidate);
  const connect = async () => {
    for (const end of ends) {
      for (const track of media.getTracks()) end.addTrack(track.clone(), media);
    }
    await first.setLocalDescription();
    await second.setRemoteDescription(first.localDescription);
    await second.setLocalDescription();
    await first.setRemoteDescription(second.localDescription);
  };
  return { ends, connect };
}
