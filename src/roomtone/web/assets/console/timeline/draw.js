// @ts-check
/**
 * How the timeline is painted. Quality is told twice, by colour and by height (low is bad); what
 * lasted by patterns of its own; findings by brackets with the glyph of their severity.
 */
import { POOR_MOS, qualityOf } from "../formats.js";
import { colour } from "../components/chart.js";
import { ticks } from "./model.js";

/**
 * @typedef {import("./model.js").Timeline} Timeline
 * @typedef {import("./model.js").Row} Row
 * @typedef {import("./model.js").Lane} Lane
 * @typedef {import("./model.js").Word} Word
 * @typedef {{ from: number, to: number, width: number }} View Epoch ms, and px between them.
 * @typedef {Record<string, string>} Paint Colours by token, read once for each theme.
 */

export const LANES = { top: 8, speech: 3, received: 18, gap: 3, sent: 9, spells: 4, finding: 11 };
const { top, speech, received, gap, sent, spells, finding } = LANES;
const RECEIVED_Y = top + speech + 2;
const SENT_Y = RECEIVED_Y + received + gap;
const SPELL_Y = SENT_Y + sent + 4;
const FINDING_Y = SPELL_Y + spells + 5;

/** @param {Row} row */
export const rowHeight = (row) => FINDING_Y + row.levels * finding + 6;

const TOKENS = [
  "bg", "surface", "surface-2", "surface-3", "line", "line-strong", "text", "text-2", "text-3",
  "accent", "accent-soft", "good", "fair", "bad", "good-fill", "fair-fill", "bad-fill", "unknown",
  "good-soft", "fair-soft", "bad-soft", "on-accent",
];

/** @returns {Paint} */
export const paint = () => ({
  ...Object.fromEntries(TOKENS.map((name) => [name, colour(`--${name}`)])),
  sans: colour("--sans") || "sans-serif",
});

/**
 * A canvas of so many CSS pixels, cleared, ready to be painted in them.
 * @param {HTMLCanvasElement} canvas @param {number} width @param {number} height
 */
export function sheet(canvas, width, height) {
  const dense = Math.min(devicePixelRatio || 1, 2);
  const [w, h] = [Math.round(width * dense), Math.round(height * dense)];
  if (canvas.width !== w || canvas.height !== h) {
    canvas.width = w;
    canvas.height = h;
    canvas.style.width = `${width}px`;
    canvas.style.height = `${height}px`;
  }
  const ctx = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  ctx.setTransform(dense, 0, 0, dense, 0, 0);
  ctx.clearRect(0, 0, width, height);
  return ctx;
}

/** @param {View} view @param {number} t */
export const xOf = (view, t) => ((t - view.from) / (view.to - view.from)) * view.width;

/** @param {View} view @param {number} x */
export const tOf = (view, x) => view.from + (x / view.width) * (view.to - view.from);

/**
 * The MOS of a score on whichever scale, for colour and height alone.
 * @param {number} score @param {string | null} scale
 */
const asMos = (score, scale) => (scale === "vendor" ? 1 + 3.5 * score : score);

/**
 * @param {CanvasRenderingContext2D} ctx @param {Paint} ink @param {View} view
 * @param {Timeline} line @param {Row} row @param {Word[]} said of this row
 */
export function drawRow(ctx, ink, view, line, row, said) {
  for (const peer of row.peers) {
    for (const span of peer.spans) drawSpan(ctx, ink, view, span);
    drawLane(ctx, ink, view, line, peer.received, peer.first, RECEIVED_Y, received);
    drawLane(ctx, ink, view, line, peer.sent, peer.first, SENT_Y, sent);
    for (const spell of peer.spells) drawSpell(ctx, ink, view, spell);
  }
  drawGaps(ctx, ink, view, row);
  ctx.fillStyle = ink["text-2"];
  for (const word of said) {
    const x = xOf(view, word.at);
    const w = Math.max(2, xOf(view, word.end) - x);
    if (x > view.width || x + w < 0) continue;
    if (word.kind === "transcript") ctx.fillRect(x, top, w, speech);
  }
  for (const peer of row.peers) {
    for (const one of peer.findings) drawFinding(ctx, ink, view, one);
    for (const mark of peer.marks) drawMark(ctx, ink, view, mark);
  }
}

/**
 * @param {CanvasRenderingContext2D} ctx @param {Paint} ink @param {View} view
 * @param {{ start: number, end: number, open: boolean }} span
 */
function drawSpan(ctx, ink, view, span) {
  const x = Math.max(-2, xOf(view, span.start));
  const end = Math.min(view.width + 2, xOf(view, span.end));
  if (end < 0 || x > view.width) return;
  ctx.fillStyle = ink["surface-2"];
  ctx.fillRect(x, RECEIVED_Y, Math.max(1, end - x), received);
  ctx.fillRect(x, SENT_Y, Math.max(1, end - x), sent);
  ctx.fillStyle = ink["line-strong"];
  if (xOf(view, span.start) >= 0) ctx.fillRect(x, RECEIVED_Y - 2, 1, SENT_Y + sent - RECEIVED_Y + 4);
  if (!span.open && end <= view.width) {
    ctx.fillRect(end - 1, RECEIVED_Y - 2, 1, SENT_Y + sent - RECEIVED_Y + 4);
  }
}

/**
 * One direction of a peer. Where a pixel holds several bins, the worst of their means is shown.
 * @param {CanvasRenderingContext2D} ctx @param {Paint} ink @param {View} view
 * @param {Timeline} line @param {Lane} lane @param {number} first @param {number} y
 * @param {number} height
 */
function drawLane(ctx, ink, view, line, lane, first, y, height) {
  const perPx = (view.to - view.from) / view.width / line.binMs;
  const step = Math.max(1, Math.floor(perPx * 2));
  const begin = Math.max(0, Math.floor((view.from - line.start) / line.binMs) - first - step);
  const until = Math.min(lane.mos.length, Math.ceil((view.to - line.start) / line.binMs) - first + step);
  const aligned = begin - (begin % step);
  let run = { level: "", tall: 0, poor: false, x: 0 };
  const flush = (/** @type {number} */ x) => {
    if (!run.level || x <= run.x) return;
    ctx.fillStyle = ink[`${run.level}-fill`];
    ctx.fillRect(run.x, y + height - run.tall, x - run.x, run.tall);
    if (run.poor) {
      ctx.fillStyle = ink.bad;
      ctx.fillRect(run.x, y, x - run.x, 2);
    }
  };
  let x = 0;
  for (let at = aligned; at < until; at += step) {
    let worst = null;
    let least = null;
    for (let i = at; i < Math.min(at + step, lane.mos.length); i += 1) {
      const value = lane.mos[i];
      const low = lane.mos_min[i];
      if (value !== null && (worst === null || value < worst)) worst = value;
      if (low !== null && (least === null || low < least)) least = low;
    }
    x = xOf(view, line.start + (at + first) * line.binMs);
    const score = worst === null ? null : asMos(worst, line.scale);
    const level = score === null ? "" : qualityOf(score);
    const tall = score === null ? 0 : Math.round(3 + ((score - 1) / 3.5) * (height - 3));
    const poor = least !== null && asMos(least, line.scale) < POOR_MOS && level !== "bad";
    if (level !== run.level || tall !== run.tall || poor !== run.poor) {
      flush(x);
      run = { level, tall, poor, x };
    }
  }
  flush(Math.min(
    xOf(view, line.start + (Math.min(until, lane.mos.length) + first) * line.binMs),
    xOf(view, line.end),
  ));
}

/** Patterns, so that no two of them are told apart by colour alone. */
const SPELL_STYLES = /** @type {Record<string, { dash: number[], token: string, wide: number, dy: number }>} */ ({
  muted: { dash: [2, 2], token: "text-2", wide: 2, dy: 0 },
  camera_off: { dash: [6, 3], token: "text-3", wide: 1, dy: 3 },
  screenshare: { dash: [], token: "accent", wide: 3, dy: 1 },
});

/**
 * @param {CanvasRenderingContext2D} ctx @param {Paint} ink @param {View} view
 * @param {import("./model.js").Spell} spell
 */
function drawSpell(ctx, ink, view, spell) {
  const x = Math.max(-8, xOf(view, spell.start));
  const end = Math.min(view.width + 8, xOf(view, spell.end));
  if (end < 0 || x > view.width) return;
  const style = SPELL_STYLES[spell.kind];
  if (style) {
    line(ctx, ink[style.token], style.wide, style.dash, x, end, SPELL_Y + style.dy);
    return;
  }
  // Hidden, reconnecting, offline: hatched over both lanes; the heavier, the worse.
  const cut = spell.kind !== "hidden";
  hatch(ctx, cut ? ink.bad : ink.text, cut ? 1.5 : 0.75, x, end, RECEIVED_Y, SENT_Y + sent, cut ? 5 : 8);
}

/**
 * @param {CanvasRenderingContext2D} ctx @param {string} stroke @param {number} wide
 * @param {number[]} dash @param {number} x @param {number} end @param {number} y
 */
function line(ctx, stroke, wide, dash, x, end, y) {
  ctx.strokeStyle = stroke;
  ctx.lineWidth = wide;
  ctx.setLineDash(dash);
  ctx.beginPath();
  ctx.moveTo(x, y + wide / 2);
  ctx.lineTo(Math.max(x + 2, end), y + wide / 2);
  ctx.stroke();
  ctx.setLineDash([]);
}

/**
 * @param {CanvasRenderingContext2D} ctx @param {string} stroke @param {number} wide
 * @param {number} x @param {number} end @param {number} y @param {number} bottom
 * @param {number} apart
 */
function hatch(ctx, stroke, wide, x, end, y, bottom, apart) {
  ctx.save();
  ctx.beginPath();
  ctx.rect(x, y, Math.max(2, end - x), bottom - y);
  ctx.clip();
  ctx.strokeStyle = stroke;
  ctx.lineWidth = wide;
  ctx.beginPath();
  const tall = bottom - y;
  for (let at = x - tall - ((x - tall) % apart); at < end; at += apart) {
    ctx.moveTo(at, bottom);
    ctx.lineTo(at + tall, y);
  }
  ctx.stroke();
  ctx.restore();
}

/** The way from a leave to the next join. @param {CanvasRenderingContext2D} ctx
 * @param {Paint} ink @param {View} view @param {Row} row */
function drawGaps(ctx, ink, view, row) {
  const spans = row.peers.flatMap((peer) => peer.spans).sort((a, b) => a.start - b.start);
  const y = RECEIVED_Y + received / 2;
  for (let at = 1; at < spans.length; at += 1) {
    const x = xOf(view, spans[at - 1].end);
    const end = xOf(view, spans[at].start);
    if (end > x) line(ctx, ink["line-strong"], 1, [1, 3], x, end, y);
  }
}

/** @type {Record<string, string>} */
const SEVERITY_TOKENS = { error: "bad", warning: "fair", info: "accent" };

/**
 * @param {CanvasRenderingContext2D} ctx @param {Paint} ink @param {View} view
 * @param {import("./model.js").Finding} one
 */
function drawFinding(ctx, ink, view, one) {
  const x = xOf(view, one.start);
  const end = Math.max(x + 7, xOf(view, one.end));
  if (end < 0 || x > view.width) return;
  const y = FINDING_Y + one.level * finding;
  const stroke = ink[SEVERITY_TOKENS[one.severity] ?? "text-3"];
  ctx.strokeStyle = stroke;
  ctx.lineWidth = 1.5;
  ctx.setLineDash(one.echo_of === null ? [] : [3, 2]);
  ctx.beginPath();
  ctx.moveTo(x + 0.75, y);
  ctx.lineTo(x + 0.75, y + 5);
  ctx.lineTo(end - 0.75, y + 5);
  if (!one.open) ctx.lineTo(end - 0.75, y);
  ctx.stroke();
  ctx.setLineDash([]);
  glyph(ctx, one.severity, stroke, ink.surface, Math.max(6, Math.min(x + 8, end - 2)), y + 5);
}

/**
 * @param {CanvasRenderingContext2D} ctx @param {string} kind @param {string} fill
 * @param {string} on @param {number} x @param {number} y
 */
function glyph(ctx, kind, fill, on, x, y) {
  ctx.fillStyle = fill;
  ctx.strokeStyle = on;
  ctx.lineWidth = 1;
  ctx.beginPath();
  if (kind === "error") {
    ctx.rect(x - 4, y - 4, 8, 8);
  } else if (kind === "warning") {
    ctx.moveTo(x, y - 5);
    ctx.lineTo(x + 5, y + 4);
    ctx.lineTo(x - 5, y + 4);
    ctx.closePath();
  } else {
    ctx.arc(x, y, 4, 0, 7);
  }
  ctx.stroke();
  ctx.fill();
}

/**
 * @param {CanvasRenderingContext2D} ctx @param {Paint} ink @param {View} view
 * @param {import("./model.js").Mark} mark
 */
function drawMark(ctx, ink, view, mark) {
  const x = xOf(view, mark.at);
  if (x < -6 || x > view.width + 6) return;
  const y = SPELL_Y + 1;
  if (mark.kind === "error") {
    ctx.strokeStyle = ink.bad;
    ctx.lineWidth = 2;
    ctx.beginPath();
    ctx.moveTo(x - 3.5, y - 3.5);
    ctx.lineTo(x + 3.5, y + 3.5);
    ctx.moveTo(x + 3.5, y - 3.5);
    ctx.lineTo(x - 3.5, y + 3.5);
    ctx.stroke();
    return;
  }
  ctx.fillStyle = ink.text;
  ctx.strokeStyle = ink.surface;
  ctx.lineWidth = 1;
  ctx.beginPath();
  if (mark.kind === "device") {
    ctx.moveTo(x, y - 4.5);
    ctx.lineTo(x + 4.5, y);
    ctx.lineTo(x, y + 4.5);
    ctx.lineTo(x - 4.5, y);
    ctx.closePath();
  } else {
    ctx.arc(x, y, 3.5, 0, 7);
  }
  ctx.stroke();
  ctx.fill();
}

/**
 * What of a row lies under a point: a finding, a mark, or nothing.
 * @param {View} view @param {Row} row @param {number} x @param {number} y
 */
export function hit(view, row, x, y) {
  for (const peer of row.peers) {
    for (const mark of peer.marks) {
      if (Math.abs(xOf(view, mark.at) - x) < 6 && Math.abs(SPELL_Y + 1 - y) < 7) return { mark, peer };
    }
    for (const one of peer.findings) {
      const level = FINDING_Y + one.level * finding;
      const end = Math.max(xOf(view, one.start) + 12, xOf(view, one.end));
      if (y >= level - 2 && y < level + finding - 1 && x >= xOf(view, one.start) - 3 && x <= end + 3) {
        return { finding: one, peer };
      }
    }
  }
  return null;
}

const SECONDS = new Intl.DateTimeFormat(undefined, { timeStyle: "medium" });
const MINUTES = new Intl.DateTimeFormat(undefined, { timeStyle: "short" });

/**
 * @param {CanvasRenderingContext2D} ctx @param {Paint} ink @param {View} view @param {number} height
 */
export function drawAxis(ctx, ink, view, height) {
  const { step, at } = ticks(view.from, view.to, Math.max(2, Math.floor(view.width / 110)));
  ctx.font = `12px ${ink.sans}`;
  ctx.fillStyle = ink["text-3"];
  ctx.textBaseline = "middle";
  const words = step < 60_000 ? SECONDS : MINUTES;
  for (const t of at) {
    const x = Math.round(xOf(view, t)) + 0.5;
    ctx.fillStyle = ink["line-strong"];
    ctx.fillRect(x, height - 5, 1, 5);
    ctx.fillStyle = ink["text-3"];
    const text = words.format(t);
    const wide = ctx.measureText(text).width;
    ctx.fillText(text, Math.max(1, Math.min(view.width - wide - 1, x - wide / 2)), height / 2 - 3);
  }
}

/**
 * The lines of the axis, behind a row. @param {CanvasRenderingContext2D} ctx @param {Paint} ink
 * @param {View} view @param {number} height
 */
export function drawGrid(ctx, ink, view, height) {
  const { at } = ticks(view.from, view.to, Math.max(2, Math.floor(view.width / 110)));
  ctx.fillStyle = ink.line;
  for (const t of at) ctx.fillRect(Math.round(xOf(view, t)), 0, 1, height);
}

export const WORDS_HEIGHT = 52;

/**
 * Sentences as blocks, messages as bubbles, with their words where there is room.
 * @param {CanvasRenderingContext2D} ctx @param {Paint} ink @param {View} view @param {Word[]} words
 * @param {number} now the cursor
 */
export function drawWords(ctx, ink, view, words, now) {
  ctx.font = `12px ${ink.sans}`;
  ctx.textBaseline = "middle";
  let rightmost = -1;
  for (const word of words) {
    const x = xOf(view, word.at);
    const chat = word.kind === "chat";
    const w = chat ? 8 : Math.max(3, xOf(view, word.end) - x - 1);
    if (x > view.width || x + Math.max(w, 160) < 0) continue;
    const y = chat ? 30 : 6;
    const said = chat ? Math.abs(now - word.at) < 1500 : word.at <= now && now <= word.end;
    if (!chat && x + w <= rightmost) continue; // the pixel is taken
    ctx.fillStyle = said ? ink.accent : chat ? ink["text-2"] : ink["surface-3"];
    ctx.beginPath();
    ctx.roundRect(x, y, w, chat ? 10 : 18, chat ? 3 : 2);
    ctx.fill();
    if (!chat) {
      rightmost = x + w;
      if (w > 48) label(ctx, word.text, said ? ink["on-accent"] : ink.text, x + 5, y + 9, w - 8);
    } else if (said) {
      label(ctx, `${word.name}: ${word.text}`, ink.text, x + 12, y + 6, 220);
    }
  }
}

/**
 * @param {CanvasRenderingContext2D} ctx @param {string} text @param {string} fill
 * @param {number} x @param {number} y @param {number} width
 */
function label(ctx, text, fill, x, y, width) {
  ctx.save();
  ctx.beginPath();
  ctx.rect(x, y - 9, width, 18);
  ctx.clip();
  ctx.fillStyle = fill;
  ctx.fillText(text, x, y);
  ctx.restore();
}

/**
 * The whole call in a thin strip, the worst of everybody in each column, and the part in view.
 * @param {CanvasRenderingContext2D} ctx @param {Paint} ink @param {Timeline} line
 * @param {View} shown the part in view @param {number} width @param {number} height
 */
export function drawOverview(ctx, ink, line, shown, width, height) {
  const whole = { from: line.start, to: line.end, width };
  ctx.fillStyle = ink["surface-2"];
  ctx.fillRect(0, 6, width, height - 12);
  const columns = Math.max(1, Math.min(line.bins, Math.floor(width / 2)));
  const wide = width / columns;
  /** @type {(number | null)[]} */
  const worst = Array(columns).fill(null);
  for (const peer of line.peers) {
    peer.received.mos.forEach((value, at) => {
      if (value === null) return;
      const score = asMos(value, line.scale);
      const column = Math.min(columns - 1, Math.floor(((at + peer.first) / line.bins) * columns));
      const known = worst[column];
      if (known === null || score < known) worst[column] = score;
    });
  }
  worst.forEach((score, at) => {
    if (score === null) return;
    const tall = 3 + ((score - 1) / 3.5) * (height - 16);
    ctx.fillStyle = ink[`${qualityOf(score)}-fill`];
    ctx.fillRect(at * wide, height - 6 - tall, wide + 0.5, tall);
  });
  const x = xOf(whole, shown.from);
  const end = xOf(whole, shown.to);
  ctx.strokeStyle = ink.accent;
  ctx.lineWidth = 2;
  ctx.strokeRect(Math.max(1, x + 1), 2, Math.max(6, Math.min(width - 2, end - 2) - x), height - 4);
}
