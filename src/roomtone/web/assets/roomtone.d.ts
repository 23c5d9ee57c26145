/** Roomtone's browser collector: what `/roomtone.js` offers. */

/** The collector's version, which is Roomtone's. */
export const version: string;

/** What a stream is and whose it is. */
export interface Label {
  source?: "microphone" | "camera" | "screenshare" | "screenshare_audio";
  /** The `peerId` of whoever sends a received stream. */
  peerId?: string;
  producerId?: string;
  consumerId?: string;
  /** Nothing is meant to flow just now. */
  paused?: boolean;
}

export interface Options {
  /** Where Roomtone is: `https://roomtone.example.org`. */
  url: string;
  /** The participant's token, or a function that fetches one; it is asked again when one expires. */
  token: string | (() => string | Promise<string>);
  /** A UUID. Unless given, every observation makes one: a reload is a rejoin. */
  peerId?: string;
  /** How often getStats() is read, 1,000 to 30,000; 5,000 unless given. */
  intervalMs?: number;
  /** How often what was gathered is sent; 10,000 unless given. */
  sendMs?: number;
  /** Connections that were made before this module was loaded. */
  connections?: Iterable<RTCPeerConnection>;
  /** Which connections belong to this call; all unless given. */
  filter?: (connection: RTCPeerConnection) => boolean;
  /** Tells what a stream is, asked at each reading. */
  tracks?: (track: MediaStreamTrack, connection: RTCPeerConnection) => Label | undefined;
  /** Watch the iframes of the same origin too. */
  iframes?: boolean;
  /** Report the names of microphones, cameras and speakers; true unless given. */
  devices?: boolean;
  /** What `precall()` of `/roomtone-precall.js` found, to be part of the report. */
  precall?: object;
  /** The call's own software, for the report. */
  sdkName?: string;
  sdkVersion?: string;
  /** Told of what went wrong in the collector; nothing is ever thrown. */
  onerror?: (error: unknown) => void;
}

/** As RealtimeKit's web client hands it to the page; members that are left out are filled in. */
export interface ChatMessage {
  id?: string;
  type?: string;
  message?: unknown;
  userId?: string;
  displayName?: string;
  time?: string | number | Date;
  [member: string]: unknown;
}

/** One utterance, or what is known of it so far. */
export interface TranscriptSegment {
  transcript: string;
  id?: string;
  name?: string;
  peerId?: string;
  userId?: string;
  customParticipantId?: string;
  isPartialTranscript?: boolean;
  timestamp?: number | string;
}

export interface Observation {
  readonly peerId: string;
  /** Report an event of the application. */
  say(event: string, data?: object): void;
  /** Report a message that was written, or what became of one. */
  chat(message: string | ChatMessage, action?: "add" | "edit" | "delete" | "pin" | "unpin"): void;
  /** Report what was said. */
  transcript(segment: string | TranscriptSegment): void;
  /** Say what a stream is, by its track or the track's id. */
  label(track: MediaStreamTrack | string, label: Label): void;
  /** Say who is at the other end of a connection: all that it receives is theirs. */
  identify(connection: RTCPeerConnection, peerId: string): void;
  /** Send what was gathered. Resolves to whether everything has been acknowledged. */
  flush(): Promise<boolean>;
  /** Read the counters once more, say that the person left, send, and observe no longer. */
  stop(): Promise<void>;
}

export function observe(options: Options): Observation;
