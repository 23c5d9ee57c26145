// @ts-check
/**
 * A peer report's readings as streams with columns, the form in which they are charted and in which
 * `…/received` tells what the others received. Times are epoch seconds, as uPlot wants them.
 */

/**
 * @typedef {{
 *   key: string, note: string, source: string, kind: "audio" | "video", shared: boolean, sends: boolean, id: string,
 *   peerId: string, name: string, t: number[], paused: boolean[],
 *   mos: Column, loss: Column, rtt: Column, jitter: Column, buffer: Column, bitrate: Column,
 *   fps: Column, height: Column, bandwidth: Column, cpu: Column, mean: number | null,
 * }} Stream
 * @typedef {(number | null)[]} Column
 */

export const SOURCES = [
  "audio_producer", "video_producer", "screenshare_audio_producer", "screenshare_video_producer",
  "audio_consumer", "video_consumer", "screenshare_audio_consumer", "screenshare_video_consumer",
];

const WORDS = /** @type {Record<string, string>} */ ({
  audio: "microphone", video: "camera", screenshare_audio: "screen's sound", screenshare_video: "screen",
});

/** @param {string} source such as `audio_consumer` */
export const media = (source) => WORDS[source.replace(/_(producer|consumer)$/, "")] ?? source;

/**
 * @param {any} participant of the peer report
 * @param {Map<string, string>} names of the others, by peer id
 * @returns {Stream[]}
 */
export function streamsOf(participant, names) {
  const quality = participant.peer_report.quality;
  /** @type {Stream[]} */
  const made = [];
  for (const source of SOURCES) {
    const sends = source.endsWith("producer");
    /** @type {Map<string, any[]>} */
    const byId = new Map();
    for (const reading of quality[source] ?? []) {
      const id = sends ? reading.producer_id : reading.consumer_id;
      const known = byId.get(id);
      if (known) known.push(reading);
      else byId.set(id, [reading]);
    }
    for (const [id, readings] of byId) {
      const parts = apart(readings);
      parts.forEach((part, at) => {
        const stream = streamOf(source, sends, id, part, names);
        if (at) stream.key += `:${at}`;
        if (parts.length > 1) stream.note = `${at + 1} of ${parts.length}`;
        made.push(stream);
      });
    }
  }
  return made;
}

/**
 * In a mesh one microphone is sent over several connections at once: a stream each, told apart by
 * their ssrc. Readings that follow each other are one stream, whatever their ssrc: simulcast layers.
 * @param {any[]} readings @returns {any[][]}
 */
function apart(readings) {
  let until = -Infinity;
  const overlap = readings.some((reading) => {
    const end = Date.parse(reading.timestamp);
    const begins = end - (reading.interval_ms ?? 0);
    const over = until - begins > 1000 || (until === end && readings.length > 1);
    until = Math.max(until, end);
    return over;
  });
  if (!overlap) return [readings];
  /** @type {Map<unknown, any[]>} */
  const bySsrc = new Map();
  for (const reading of readings) {
    const known = bySsrc.get(reading.ssrc);
    if (known) known.push(reading);
    else bySsrc.set(reading.ssrc, [reading]);
  }
  return [...bySsrc.values()];
}

/**
 * @param {string} source @param {boolean} sends @param {string} id @param {any[]} readings
 * @param {Map<string, string>} names
 * @returns {Stream}
 */
function streamOf(source, sends, id, readings, names) {
  const column = (/** @type {(reading: any) => number | null | undefined} */ of) =>
    readings.map((reading) => of(reading) ?? null);
  const sender = readings.find((reading) => reading.peer_id)?.peer_id ?? "";
  return {
    key: `${source}:${id}`,
    note: "",
    source,
    kind: source.includes("audio") ? "audio" : "video",
    shared: source.startsWith("screenshare"),
    sends,
    id,
    peerId: sends ? "" : sender,
    name: sends ? "" : (names.get(sender) ?? "somebody"),
    t: readings.map((reading) => Date.parse(reading.timestamp) / 1000),
    paused: readings.map((reading) => reading.paused),
    mos: column((r) => r.mos_quality),
    loss: column((r) => lossOf(r, sends)),
    rtt: column((r) => ms(sends ? r.rtt : r.round_trip_time)),
    jitter: column((r) => ms(r.jitter)),
    buffer: column((r) =>
      r.jitter_buffer_emitted_count ? ms(r.jitter_buffer_delay / r.jitter_buffer_emitted_count) : null,
    ),
    bitrate: column((r) => bits(sends ? r.bytes_sent : r.bytes_received, r.interval_ms)),
    fps: column((r) => r.frames_per_second),
    height: column((r) => r.frame_height),
    bandwidth: column((r) => share(r.quality_limitation_durations, "bandwidth")),
    cpu: column((r) => share(r.quality_limitation_durations, "cpu")),
    mean: mean(readings.map((reading) => reading.mos_quality)),
  };
}

/**
 * A received stream as `…/received` tells it.
 * @param {any} series @param {number} start epoch ms @returns {Stream}
 */
export function streamOfSeries(series, start) {
  return {
    key: `${series.peer_id}:${series.consumer_id}`,
    note: "",
    source: series.source,
    kind: series.source.includes("audio") ? "audio" : "video",
    shared: series.source.startsWith("screenshare"),
    sends: false,
    id: series.producer_id ?? "",
    peerId: series.peer_id,
    name: series.display_name || "somebody",
    t: series.at_ms.map((/** @type {number} */ at) => (start + at) / 1000),
    paused: [],
    mos: series.mos,
    loss: series.loss,
    rtt: series.rtt_ms,
    jitter: series.jitter_ms,
    buffer: series.jitter_buffer_ms,
    bitrate: series.bitrate_kbps,
    fps: series.frames_per_second,
    height: series.frame_height,
    bandwidth: [],
    cpu: [],
    mean: mean(series.mos),
  };
}

/** @param {any} reading @param {boolean} sends */
function lossOf(reading, sends) {
  if (reading.outage) return 100;
  const lost = reading.packets_lost;
  const all = sends ? reading.packets_sent : reading.packets_received + lost;
  return lost == null || !all ? null : Math.min(100, (100 * lost) / all);
}

/** @param {number | null | undefined} seconds */
const ms = (seconds) => (seconds == null ? null : seconds * 1000);

/** @param {number | null | undefined} bytes @param {number | null | undefined} interval */
const bits = (bytes, interval) => (bytes == null || !interval ? null : (8 * bytes) / interval);

/** Percent of the interval in which the encoder was held back. @param {any} durations @param {string} by */
function share(durations, by) {
  if (!durations) return null;
  const all = durations.bandwidth + durations.cpu + durations.none + durations.other;
  return all ? (100 * durations[by]) / all : null;
}

/** @param {Column} values */
function mean(values) {
  const known = /** @type {number[]} */ (values.filter((value) => value !== null));
  return known.length ? known.reduce((sum, value) => sum + value, 0) / known.length : null;
}
