// @ts-check
import { html } from "../../vendor/lit.js";
import { axis, colour } from "../components.js";
import { GOOD_MOS, NONE, POOR_MOS } from "../formats.js";

/** @typedef {import("./streams.js").Stream} Stream */
/** @typedef {import("./model.js").Finding} Finding */
/**
 * @typedef {{
 *   of: keyof Stream, label: string, unit: string, digits: number, range?: [number, number],
 *   lines?: { at: number, text: string }[], video?: boolean,
 * }} Chart
 */

/** Thresholds are those of docs/quality.md and of the findings' catalogue. */
/** @type {Chart[]} */
export const CHARTS = [
  {
    of: "mos", label: "Estimated MOS", unit: "", digits: 2, range: [1, 4.6],
    lines: [{ at: GOOD_MOS, text: "good" }, { at: POOR_MOS, text: "bad below" }],
  },
  { of: "loss", label: "Packet loss", unit: "%", digits: 1, lines: [{ at: 5, text: "5 %" }] },
  { of: "rtt", label: "Round trip", unit: "ms", digits: 0, lines: [{ at: 250, text: "250 ms" }] },
  { of: "jitter", label: "Jitter", unit: "ms", digits: 1, lines: [{ at: 30, text: "30 ms" }] },
  { of: "buffer", label: "Jitter buffer", unit: "ms", digits: 0, lines: [{ at: 500, text: "500 ms" }] },
  { of: "bitrate", label: "Bit rate", unit: "kbit/s", digits: 0 },
  { of: "fps", label: "Frame rate", unit: "1/s", digits: 1, video: true },
  { of: "height", label: "Picture height", unit: "px", digits: 0, video: true },
  { of: "bandwidth", label: "Held back by bandwidth", unit: "% of the time", digits: 0, range: [0, 100], video: true },
  { of: "cpu", label: "Held back by the CPU", unit: "% of the time", digits: 0, range: [0, 100], video: true },
];

/** Strokes that stay apart without colour: width and dash differ as well. */
const STROKES = [
  ["--text", []], ["--accent", [6, 3]], ["--fair", [2, 2]], ["--bad", [8, 3, 2, 3]], ["--good", [1, 3]],
  ["--live", [4, 4]], ["--text-3", [10, 4]], ["--accent-strong", [3, 6]],
];

/**
 * Several streams on one axis of time: uPlot wants one list of times, so they are laid together.
 * @param {Stream[]} streams @param {keyof Stream} of
 */
function joined(streams, of) {
  const times = [...new Set(streams.flatMap((stream) => stream.t))].sort((a, b) => a - b);
  const place = new Map(times.map((t, at) => [t, at]));
  const columns = streams.map((stream) => {
    const values = /** @type {(number | null)[]} */ (stream[of]);
    /** @type {(number | null | undefined)[]} undefined: no gap in the line, only no reading here */
    const column = Array(times.length).fill(undefined);
    stream.t.forEach((t, at) => (column[/** @type {number} */ (place.get(t))] = values[at] ?? null));
    return column;
  });
  return [times, ...columns];
}

/**
 * @param {Chart} chart @param {Stream[]} streams the first is the one that was picked
 * @param {{ from: number, to: number, findings: Finding[], sync: string, phone: boolean }} how seconds
 */
export function chartOf(chart, streams, how) {
  const some = streams.filter((stream) => /** @type {any[]} */ (stream[chart.of]).some((value) => value !== null));
  if (!some.length) return null;
  const values = some.flatMap((stream) => /** @type {number[]} */ (stream[chart.of]).filter((value) => value !== null));
  const words = `${chart.label}: from ${round(Math.min(...values), chart)} to ${round(Math.max(...values), chart)} ${chart.unit}`;
  return html`<figure data-chart=${String(chart.of)}>
    <figcaption>${chart.label}${chart.unit ? html` <span class="quiet">${chart.unit}</span>` : ""}</figcaption>
    <rt-chart .height=${how.phone ? 150 : 140} label=${words} .data=${joined(some, chart.of)}
      .options=${options(chart, some, streams, how)}></rt-chart>
  </figure>`;
}

/** The clock as the timeline shows it, in the viewer's zone. */
const TIME = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });

/** @param {number} value @param {Chart} chart */
const round = (value, chart) => String(Number(value.toFixed(chart.digits)));

/**
 * @param {Chart} chart @param {Stream[]} streams that have the measure
 * @param {Stream[]} all of them: each has the same stroke in every chart
 * @param {{ from: number, to: number, findings: Finding[], sync: string, phone: boolean }} how
 */
function options(chart, streams, all, how) {
  return (/** @type {any} */ uPlot) => ({
    cursor: { sync: { key: uPlot.sync(how.sync).key, setSeries: false }, drag: { x: true, y: false }, dataIdx: nearest },
    legend: { live: true },
    scales: {
      x: { time: true, range: (/** @type {any} */ _, /** @type {number} */ least, /** @type {number} */ most) => (least === null ? [how.from, how.to] : [least, most]), min: how.from, max: how.to },
      y: chart.range
        ? { range: chart.range }
        : { range: (/** @type {any} */ _, /** @type {number} */ __, /** @type {number} */ most) => [0, ceiling(most, chart)] },
    },
    axes: [
      axis({ space: how.phone ? 90 : 70, values: (/** @type {any} */ _, /** @type {number[]} */ ticks) => ticks.map((tick) => TIME.format(tick * 1000)) }),
      axis({ size: 48, values: (/** @type {any} */ _, /** @type {number[]} */ ticks) => ticks.map((tick) => round(tick, { ...chart, digits: 1 })) }),
    ],
    series: [
      { value: (/** @type {any} */ _, /** @type {number | null} */ t) => (t === null ? NONE : TIME.format(t * 1000)) },
      ...streams.map((stream) => {
        const at = all.indexOf(stream);
        const [token, dash] = /** @type {[string, number[]]} */ (STROKES[at % STROKES.length]);
        return {
          label: stream.sends ? "sent" : stream.name,
          stroke: () => colour(token),
          width: at === 0 ? 2 : 1.25,
          dash: at === 0 ? [] : dash,
          points: { size: 4, show: stream.t.length < 60 },
          value: (/** @type {any} */ _, /** @type {number | null} */ value) =>
            value == null ? NONE : `${round(value, chart)}${chart.unit ? ` ${chart.unit}` : ""}`,
        };
      }),
    ],
    hooks: {
      drawClear: [(/** @type {any} */ plot) => shade(plot, how.findings)],
      draw: [(/** @type {any} */ plot) => threshold(plot, chart)],
    },
  });
}

/**
 * The reading nearest to the cursor: of a line, not of all lines together.
 * @param {any} plot @param {number} series @param {number} at
 */
function nearest(plot, series, at) {
  const column = plot.data[series];
  if (series === 0 || column[at] !== undefined) return at;
  for (let away = 1; away < column.length; away += 1) {
    if (column[at - away] !== undefined) return at - away;
    if (column[at + away] !== undefined) return at + away;
  }
  return at;
}

/** Room above the worst value; a threshold nearby is in the picture. @param {number | null} most @param {Chart} chart */
function ceiling(most, chart) {
  const highest = most ?? 0;
  const line = chart.lines?.[0].at ?? 0;
  return Math.max(highest * 1.1, highest > line * 0.4 ? line * 1.1 : 0, 1);
}

/** When findings held. @param {any} plot @param {Finding[]} findings */
function shade(plot, findings) {
  const { ctx, bbox } = plot;
  ctx.save();
  for (const one of findings) {
    const x = plot.valToPos(one.start / 1000, "x", true);
    const end = plot.valToPos(one.end / 1000, "x", true);
    const left = Math.max(bbox.left, x);
    const right = Math.min(bbox.left + bbox.width, Math.max(end, x + 2));
    if (right <= left) continue;
    ctx.fillStyle = colour(one.severity === "error" ? "--bad-soft" : one.severity === "warning" ? "--fair-soft" : "--accent-soft");
    ctx.fillRect(left, bbox.top, right - left, bbox.height);
  }
  ctx.restore();
}

/** @param {any} plot @param {Chart} chart */
function threshold(plot, chart) {
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.strokeStyle = colour("--line-strong");
  ctx.fillStyle = colour("--text-3");
  ctx.setLineDash([4 * devicePixelRatio, 4 * devicePixelRatio]);
  ctx.font = `${11 * devicePixelRatio}px ${colour("--sans")}`;
  ctx.textAlign = "right";
  for (const { at, text } of chart.lines ?? []) {
    const y = plot.valToPos(at, "y", true);
    if (y < bbox.top || y > bbox.top + bbox.height) continue;
    ctx.beginPath();
    ctx.moveTo(bbox.left, y);
    ctx.lineTo(bbox.left + bbox.width, y);
    ctx.stroke();
    ctx.fillText(text, bbox.left + bbox.width - 4, y - 3);
  }
  ctx.restore();
}
