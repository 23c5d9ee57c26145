// @ts-check
/**
 * The timeline's answer as what is drawn: rows of people, lanes of bins, things that lasted, and
 * what each of them was like at a moment. Epoch ms throughout; nothing here touches the page.
 */

/**
 * @typedef {{ mos: (number | null)[], mos_min: (number | null)[], loss: (number | null)[] }} Lane
 * @typedef {{ kind: string, start: number, end: number }} Spell
 * @typedef {{ kind: string, at: number, name: string, text: string }} Mark
 * @typedef {{ at: string, value: unknown, field: string, source: string }} Evidence
 * @typedef {{
 *   id: string, severity: "error" | "warning" | "info", start: number, end: number, open: boolean,
 *   peer_id: string, side: string, blamed_peer_id: string | null, other_peer_id: string | null,
 *   stream: string | null, worst: number | null, unit: string | null, echo_of: string | null,
 *   title: string, advice: string, evidence: any[], level: number, key: string,
 * }} Finding
 * @typedef {{
 *   id: string, userId: string, name: string, customId: string, preset: string,
 *   browser: string | null, os: string | null, country: string | null, network: string | null,
 *   path: string | null, spans: { start: number, end: number, open: boolean }[], first: number,
 *   received: Lane, sent: Lane, rtt: (number | null)[], spells: Spell[], marks: Mark[],
 *   marksCut: number, findings: Finding[], receivedMos: number | null, sentMos: number | null,
 * }} Peer
 * @typedef {{ key: string, name: string, note: string, peers: Peer[], levels: number }} Row
 * @typedef {{
 *   id: string, kind: "chat" | "transcript", at: number, end: number, peerId: string,
 *   userId: string, name: string, text: string, type: string, private: boolean,
 * }} Word
 * @typedef {{
 *   sessionId: string, live: boolean, start: number, end: number, binMs: number, bins: number,
 *   scale: string | null, rows: Row[], peers: Peer[],
 * }} Timeline
 */

/** Findings side by side in a row; what overlaps more shares the last line. */
const MOST_LEVELS = 4;

/**
 * @param {any} data `data` of the timeline endpoint
 * @returns {Timeline}
 */
export function timelineOf(data) {
  const start = Date.parse(data.start);
  const end = Date.parse(data.end);
  const peers = data.peers.map((/** @type {any} */ peer) => peerOf(peer, end));
  return {
    sessionId: data.session_id,
    live: data.status === "LIVE",
    start,
    end,
    binMs: data.bin_ms,
    bins: data.bins,
    scale: data.quality_scale,
    rows: rowsOf(peers),
    peers,
  };
}

/** @param {any} peer @param {number} end @returns {Peer} */
function peerOf(peer, end) {
  const spans = peer.spans.map((/** @type {[string, string | null]} */ [joined, left]) => ({
    start: Date.parse(joined),
    end: left === null ? end : Date.parse(left),
    open: left === null,
  }));
  const gone = spans.length ? spans[spans.length - 1].end : end;
  return {
    id: peer.peer_id,
    userId: peer.user_id,
    name: peer.display_name || peer.custom_participant_id || "Unnamed",
    customId: peer.custom_participant_id,
    preset: peer.preset_name,
    browser: peer.browser,
    os: peer.os,
    country: peer.country,
    network: peer.network,
    path: peer.path,
    spans,
    first: peer.first_bin,
    received: peer.received,
    sent: peer.sent,
    rtt: peer.rtt_ms,
    spells: peer.spells.map((/** @type {any} */ spell) => ({
      kind: spell.kind,
      start: Date.parse(spell.start),
      end: spell.end === null ? gone : Date.parse(spell.end),
    })),
    marks: peer.marks.map((/** @type {any} */ mark) => ({ ...mark, at: Date.parse(mark.at) })),
    marksCut: peer.marks_cut,
    findings: levelled(peer.findings.map((/** @type {any} */ one) => findingOf(one, gone))),
    receivedMos: peer.received_mos,
    sentMos: peer.sent_mos,
  };
}

/**
 * @param {any} finding as the API answers it
 * @param {number} gone where one that still holds is drawn to
 * @returns {Finding}
 */
export function findingOf(finding, gone) {
  const start = Date.parse(finding.start);
  return {
    ...finding,
    start,
    end: finding.end === null ? Math.max(gone, start) : Date.parse(finding.end),
    open: finding.end === null,
    level: 0,
    key: `${finding.id}@${finding.peer_id}@${finding.start}@${finding.stream ?? ""}`,
  };
}

/**
 * Give each finding a line on which it does not overlap the others; what followed from another
 * stands beneath, and shares the last line where there are too many.
 * @param {Finding[]} findings
 */
export function levelled(findings) {
  const sorted = [...findings].sort(
    (a, b) => Number(a.echo_of !== null) - Number(b.echo_of !== null) || a.start - b.start || b.end - a.end,
  );
  /** @type {number[]} */
  const taken = [];
  for (const finding of sorted) {
    const free = taken.findIndex((until) => until <= finding.start);
    const level = free >= 0 ? free : Math.min(taken.length, MOST_LEVELS - 1);
    taken[level] = Math.max(taken[level] ?? 0, finding.end);
    finding.level = level;
  }
  return sorted;
}

/**
 * A row a person: later connections of theirs go on in the same one, a second device has its own.
 * @param {Peer[]} peers by joining
 * @returns {Row[]}
 */
function rowsOf(peers) {
  /** @type {Row[]} */
  const rows = [];
  for (const peer of peers) {
    const own = rows.filter((row) => row.peers[0].userId === peer.userId);
    const begins = peer.spans[0]?.start ?? 0;
    const free = own.find((row) => last(row) <= begins);
    if (free) {
      free.peers.push(peer);
      free.levels = Math.max(free.levels, levelsOf(peer));
      free.name = peer.name;
    } else {
      const note = own.length ? `device ${own.length + 1}` : "";
      rows.push({ key: peer.id, name: peer.name, note, peers: [peer], levels: levelsOf(peer) });
    }
  }
  return rows;
}

/** @param {Row} row */
function last(row) {
  const spans = row.peers[row.peers.length - 1].spans;
  return spans.length ? spans[spans.length - 1].end : 0;
}

/** @param {Peer} peer */
const levelsOf = (peer) => peer.findings.reduce((most, one) => Math.max(most, one.level + 1), 0);

/**
 * What a row was like at a moment; null: nobody was there.
 * @param {Timeline} line @param {Row} row @param {number} t
 */
export function momentOf(line, row, t) {
  const peer = row.peers.find((one) => one.spans.some((span) => span.start <= t && t <= span.end));
  if (!peer) return null;
  const at = Math.floor((t - line.start) / line.binMs) - peer.first;
  return {
    peer,
    mos: peer.received.mos[at] ?? null,
    mosMin: peer.received.mos_min[at] ?? null,
    loss: peer.received.loss[at] ?? null,
    sentMos: peer.sent.mos[at] ?? null,
    sentLoss: peer.sent.loss[at] ?? null,
    rtt: peer.rtt[at] ?? null,
    spells: peer.spells.filter((spell) => spell.start <= t && t < spell.end),
    findings: peer.findings.filter((one) => one.start <= t && t <= one.end),
  };
}

/** @param {any[]} words @returns {Word[]} */
export const wordsOf = (words) =>
  words.map((word) => {
    const at = Date.parse(word.at);
    return {
      id: word.id,
      kind: word.kind,
      at,
      end: word.end === null ? at : Date.parse(word.end),
      peerId: word.peer_id,
      userId: word.user_id,
      name: word.display_name || "Somebody",
      text: word.text,
      type: word.type,
      private: word.private,
    };
  });

/** Whether a word is of somebody in a row. @param {Word} word @param {Row} row */
export const saidBy = (word, row) =>
  row.peers.some((peer) => (word.peerId ? peer.id === word.peerId : peer.userId === word.userId));

/** What `timelineOf` calls things that lasted, in words. */
export const SPELLS = /** @type {Record<string, string>} */ ({
  muted: "microphone off",
  camera_off: "camera off",
  screenshare: "sharing the screen",
  hidden: "page in the background",
  reconnecting: "reconnecting",
  offline: "offline",
});

/** @type {Record<string, string>} */
export const SIDES = {
  uplink: "own uplink",
  downlink: "own downlink",
  device: "device",
  path: "network path",
  server: "server",
  pair: "between two peers",
  unknown: "side not known",
};

const STEPS_S = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 43_200, 86_400];

/**
 * Moments for an axis, on round times of the viewer's clock.
 * @param {number} from @param {number} to @param {number} most
 */
export function ticks(from, to, most) {
  const least = (to - from) / 1000 / Math.max(1, most);
  const step = (STEPS_S.find((one) => one >= least) ?? Math.ceil(least / 86_400) * 86_400) * 1000;
  const zone = new Date(from).getTimezoneOffset() * 60_000;
  const first = Math.ceil((from - zone) / step) * step + zone;
  const made = [];
  for (let t = first; t <= to; t += step) made.push(t);
  return { step, at: made };
}
