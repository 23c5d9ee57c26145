// @ts-check
import { html, nothing } from "../../vendor/lit.js";
import { get } from "../api.js";
import { keepFile } from "./raw.js";

/** @typedef {{ state: "unknown" | "none" | "making" | "made", text: string, message: string }} Summary */

/**
 * @param {Summary} summary
 * @param {{ make: () => void, hasWords: boolean }} how
 */
export function summaryPanel(summary, { make, hasWords }) {
  const again = html`<button type="button" class="button small" ?disabled=${!hasWords} @click=${make}>
    ${summary.state === "made" ? "Make it anew" : "Make a summary"}</button>`;
  const inside = {
    unknown: () => html`<p class="quiet">Looking …</p>`,
    none: () => html`<p class="quiet">${hasWords ? summary.message : "A summary is made of the transcript, and there is none."}</p>${again}`,
    making: () => html`<p role="status"><span class="spinner" aria-hidden="true"></span> ${summary.message || "Being made …"}</p>`,
    made: () => html`<div class="summary" tabindex="0" role="region" aria-label="The summary">${markdown(summary.text)}</div>${again}`,
  }[summary.state];
  return html`<section class="panel" aria-labelledby="summary-head"><h2 id="summary-head">Summary</h2>${inside()}</section>`;
}

/** The few forms that summaries use: headings, lists, bold; everything else stays text. @param {string} text */
function markdown(text) {
  /** @type {unknown[]} */
  const made = [];
  /** @type {unknown[]} */
  let items = [];
  const flush = () => {
    if (items.length) made.push(html`<ul>${items}</ul>`);
    items = [];
  };
  for (const line of text.split(/\r?\n/)) {
    const item = /^\s*(?:[-*]|\d+\.)\s+(.*)$/.exec(line);
    const heading = /^#{1,6}\s+(.*)$/.exec(line);
    if (item) {
      items.push(html`<li>${bold(item[1])}</li>`);
      continue;
    }
    flush();
    if (heading) made.push(html`<h3>${bold(heading[1])}</h3>`);
    else if (line.trim()) made.push(html`<p>${bold(line)}</p>`);
  }
  flush();
  return made;
}

/** @param {string} text */
const bold = (text) => text.split("**").map((part, at) => (at % 2 ? html`<b>${part}</b>` : part));

const TRANSCRIPTS = ["CSV", "SRT", "VTT", "JSON"];

/**
 * @param {any} session @param {(more: string) => string} path
 * @param {import("./model.js").Word[]} words
 */
export function filesPanel(session, path, words) {
  const chat = words.some((word) => word.kind === "chat");
  const transcript = words.some((word) => word.kind === "transcript");
  return html`<section class="panel" aria-labelledby="files-head"><h2 id="files-head">Files</h2>
    <ul class="files">
      <li><button type="button" class="button small" @click=${(/** @type {Event} */ event) => attendance(event, path, session)}>Attendance (CSV)</button></li>
      ${chat ? html`<li>${download("Chat (CSV)", path("/chat"), "chat_download_url")}</li>` : nothing}
      ${transcript
        ? TRANSCRIPTS.map(
            (form) => html`<li>${download(`Transcript (${form})`, `${path("/transcript")}?format=${form}`, "transcript_download_url")}</li>`,
          )
        : nothing}
    </ul>
    ${chat || transcript ? nothing : html`<p class="quiet">Chat and transcript have files once there are words.</p>`}
    <p class="quiet" role="status" data-told></p>
  </section>`;
}

/** @param {string} text @param {string} url @param {string} member */
const download = (text, url, member) =>
  html`<button type="button" class="button small" @click=${async (/** @type {Event} */ event) => {
    const at = /** @type {HTMLElement} */ (event.currentTarget);
    try {
      location.href = new URL(new URL((await get(url))[member]).pathname, location.href).href;
      tell(at, "");
    } catch (error) {
      tell(at, error instanceof Error ? error.message : String(error));
    }
  }}>${text}</button>`;

/** @param {Event} event @param {(more: string) => string} path @param {any} session */
async function attendance(event, path, session) {
  const at = /** @type {HTMLElement} */ (event.currentTarget);
  try {
    await keepFile(`${path("/attendance")}?format=csv`, `attendance-${session.started_at.slice(0, 10)}.csv`);
    tell(at, "");
  } catch (error) {
    tell(at, error instanceof Error ? error.message : String(error));
  }
}

/** @param {HTMLElement} at @param {string} words */
function tell(at, words) {
  const told = at.closest("section")?.querySelector("[data-told]");
  if (told) told.textContent = words;
}

const STATES = /** @type {Record<string, string>} */ ({ DELIVERED: "good", FAILED: "error", PENDING: "plain" });

/** @param {any[] | null} hooks deliveries; null: they cannot be read */
export function hooksPanel(hooks) {
  return html`<section class="panel" aria-labelledby="hooks-head"><h2 id="hooks-head">Webhooks sent</h2>
    ${hooks?.length
      ? html`<ul class="hooks">${hooks.map(
          (one) => html`<li><rt-badge kind=${STATES[one.status] ?? "plain"} .text=${one.status.toLowerCase()}></rt-badge>
            <code>${one.event}</code> <rt-time .at=${one.created_at}></rt-time>
            ${one.error ? html`<span class="quiet">${one.error}</span>` : nothing}</li>`,
        )}</ul>`
      : html`<p class="quiet">Nobody was told of this session.</p>`}
  </section>`;
}
