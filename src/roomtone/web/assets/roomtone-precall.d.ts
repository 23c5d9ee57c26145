/** The test of the network before a call: what `/roomtone-precall.js` offers. */

export interface PrecallOptions {
  /** Where Roomtone is, to time the way there and back. */
  url: string;
  /** STUN and TURN servers, as for an RTCPeerConnection. */
  iceServers?: RTCIceServer[];
  /** How long a connection may take to open; 10,000 unless given. */
  timeoutMs?: number;
}

/** Names and units are those of RealtimeKit's client: seconds, kbit/s, a fraction of 1. */
export interface PrecallResult {
  /** Whether two connections met by candidates of that kind alone; the latter two are absent
   * where no ICE servers were given. */
  connectivity: { host: boolean; reflexive?: boolean; relay?: boolean };
  turnConnectivity?: boolean;
  effectiveNetworkType?: string;
  /** To the TURN server and back; absent without one, like the next three. */
  RTT?: number;
  /** The standard deviation of that. */
  jitter?: number;
  fractionalLoss?: number;
  throughput?: number;
  /** To Roomtone and back. */
  backendRTT?: number;
}

/** Test the network; takes 1 to 25 seconds. Run it before a call, never during one. */
export function precall(options: PrecallOptions): Promise<PrecallResult>;
