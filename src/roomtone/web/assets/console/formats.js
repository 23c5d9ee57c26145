// @ts-check
/** Numbers and times as people read them, always with their unit. Null is an en dash, never 0. */

export const NONE = "–";

const ROUND = new Intl.NumberFormat(undefined, { maximumFractionDigits: 0 });
const ONE = new Intl.NumberFormat(undefined, { maximumFractionDigits: 1 });
const MOS = new Intl.NumberFormat(undefined, {
  minimumFractionDigits: 2,
  maximumFractionDigits: 2,
});

/** MOS from which most people are satisfied, and below which nearly nobody is (ITU-T G.107). */
export const GOOD_MOS = 3.6;
export const POOR_MOS = 2.6;

/** @param {number | null | undefined} value */
export const whole = (value) => (value == null ? NONE : ROUND.format(value));

/** @param {number | null | undefined} value */
export const mos = (value) => (value == null ? NONE : MOS.format(value));

/** A share of 1. @param {number | null | undefined} value */
export const percent = (value) => (value == null ? NONE : `${ONE.format(value * 100)} %`);

/** @param {number | null | undefined} ms */
export const milliseconds = (ms) => (ms == null ? NONE : `${ROUND.format(ms)} ms`);

/** @param {number | null | undefined} bps */
export function bitrate(bps) {
  if (bps == null) return NONE;
  if (bps >= 1e6) return `${ONE.format(bps / 1e6)} Mbit/s`;
  return bps >= 1e3 ? `${ROUND.format(bps / 1e3)} kbit/s` : `${ROUND.format(bps)} bit/s`;
}

/** @param {number | null | undefined} bytes */
export function size(bytes) {
  if (bytes == null) return NONE;
  if (bytes >= 1e6) return `${ONE.format(bytes / 1e6)} MB`;
  return bytes >= 1e3 ? `${ONE.format(bytes / 1e3)} kB` : `${bytes} B`;
}

/** `1 h 04 min`, `4 min 10 s`, `12 s`. @param {number | null | undefined} ms */
export function duration(ms) {
  if (ms == null || Number.isNaN(ms)) return NONE;
  const seconds = Math.max(0, Math.round(ms / 1000));
  const [h, min, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  if (h) return `${ROUND.format(h)} h ${String(min).padStart(2, "0")} min`;
  return min ? `${min} min ${String(s).padStart(2, "0")} s` : `${s} s`;
}

/** Minutes that many people used together. @param {number | null | undefined} value */
export function minutes(value) {
  if (value == null) return NONE;
  return `${value < 100 ? ONE.format(value) : ROUND.format(value)} min`;
}

/** `1 person`, `3 people`. @param {number} count @param {string} one @param {string} many */
export const counted = (count, one, many = `${one}s`) =>
  `${ROUND.format(count)} ${count === 1 ? one : many}`;

/** @typedef {"good" | "fair" | "bad" | "unknown"} Quality */

/** The level of a MOS. @param {number | null | undefined} value @returns {Quality} */
export function qualityOf(value) {
  if (value == null) return "unknown";
  return value >= GOOD_MOS ? "good" : value >= POOR_MOS ? "fair" : "bad";
}

/** @type {Record<Quality, string>} */
export const QUALITY_WORDS = { good: "good", fair: "fair", bad: "bad", unknown: "not known" };

/** Epoch ms of a time of the API, which may be ms already. @param {string | number} at */
export const instant = (at) => (typeof at === "number" ? at : Date.parse(at));

const DAY = new Intl.DateTimeFormat(undefined, { dateStyle: "medium" });
const CLOCK = new Intl.DateTimeFormat(undefined, { timeStyle: "short" });
const SECOND = new Intl.DateTimeFormat(undefined, { timeStyle: "medium" });
const EXACT = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });

/** @param {number} ms */
export const day = (ms) => DAY.format(ms);
/** @param {number} ms */
export const clock = (ms) => CLOCK.format(ms);
/** @param {number} ms */
export const second = (ms) => SECOND.format(ms);
/** @param {number} ms */
export const exact = (ms) => EXACT.format(ms);
/** `2026-11-23 07:05:11.000 UTC`. @param {number} ms */
export const utc = (ms) => `${new Date(ms).toISOString().replace("T", " ").replace("Z", "")} UTC`;

/** `Today, 14:03`, `Yesterday, 9:10`, `12 Nov 2026, 14:03`. @param {number} ms @param {number} now */
export function moment(ms, now = Date.now()) {
  const midnight = new Date(now).setHours(0, 0, 0, 0);
  if (ms >= midnight && ms < midnight + 86_400_000) return `Today, ${clock(ms)}`;
  if (ms >= midnight - 86_400_000 && ms < midnight) return `Yesterday, ${clock(ms)}`;
  return `${day(ms)}, ${clock(ms)}`;
}
