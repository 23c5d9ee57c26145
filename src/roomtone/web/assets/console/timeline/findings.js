// @ts-check
import { html, nothing } from "../../vendor/lit.js";
import { icon } from "../components/icons.js";
import { clock, counted, duration, exact, second, utc, whole } from "../formats.js";
import { SIDES } from "./model.js";

/** @typedef {import("./model.js").Finding} Finding */
/** @typedef {import("../components/icons.js").IconName} IconName */

const OUTCOMES = /** @type {Record<string, [IconName, string]>} */ ({
  good: ["good", "This call went well"],
  fair: ["fair", "This call had its troubles"],
  bad: ["bad", "This call went badly"],
  unknown: ["unknown", "How this call went is not known"],
});
const RANK = /** @type {Record<string, number>} */ ({ error: 0, warning: 1, info: 2 });

/**
 * What the call was like, in sentences.
 * @param {any} verdict of the session's details @param {number} start of the session, epoch ms
 */
export function verdictBox(verdict, start) {
  if (!verdict) return nothing;
  const [sign, heading] = OUTCOMES[verdict.outcome] ?? OUTCOMES.unknown;
  return html`<section class="verdict verdict-${verdict.outcome}" aria-label="Verdict">
    <h2>${icon(sign)} ${heading}</h2>
    ${verdict.sentences.map((/** @type {string} */ sentence) => html`<p>${local(sentence, start)}</p>`)}
  </section>`;
}

/**
 * A sentence with its times of day, which it tells as `09:18 UTC`, as the viewer's clock shows them.
 * @param {string} sentence @param {number} start
 */
function local(sentence, start) {
  return sentence.split(/\b(\d\d:\d\d) UTC\b/).map((part, at) => {
    if (at % 2 === 0) return part;
    const [hours, minutes] = part.split(":").map(Number);
    const minute = Math.floor(start / 60_000) * 60_000;
    let ms = new Date(start).setUTCHours(hours, minutes, 0, 0);
    if (ms < minute) ms += 86_400_000; // past midnight
    return html`<time datetime=${new Date(ms).toISOString()} title=${`${part} UTC`}>${clock(ms)}</time>`;
  });
}

/**
 * The findings, worst first, echoes behind what caused them.
 * @param {Finding[]} findings
 * @param {{ selected: string, pick: (finding: Finding) => void, names: Map<string, string>,
 *   measured?: boolean }} how
 */
export function findingsList(findings, { selected, pick, names, measured = true }) {
  if (!findings.length) {
    return html`<p class="quiet">${measured
      ? "Nothing was found wrong in what was measured."
      : "Nothing was measured, so nothing could be found."}</p>`;
  }
  const sorted = [...findings].sort(
    (a, b) =>
      Number(a.echo_of !== null) - Number(b.echo_of !== null) ||
      RANK[a.severity] - RANK[b.severity] ||
      a.start - b.start,
  );
  const echoes = sorted.filter((one) => one.echo_of !== null).length;
  const own = sorted.filter((one) => one.echo_of === null);
  return html`${own.length
      ? html`<ol class="findings">${own.map((one) => card(one, selected, pick, names))}</ol>`
      : html`<p class="quiet">Nothing began here: what was noticed here follows from what went wrong elsewhere.</p>`}
    ${echoes
      ? html`<details class="findings-echoes"><summary>${counted(echoes, "echo", "echoes")} of ${own.length ? "these" : "it"}</summary>
          <ol class="findings">
            ${sorted.filter((one) => one.echo_of !== null).map((one) => card(one, selected, pick, names))}
          </ol></details>`
      : nothing}`;
}

/**
 * @param {Finding} one @param {string} selected @param {(finding: Finding) => void} pick
 * @param {Map<string, string>} names by peer id
 */
function card(one, selected, pick, names) {
  const blamed = one.blamed_peer_id ? (names.get(one.blamed_peer_id) ?? "") : "";
  const worst = one.worst === null ? "" : `worst ${number(one.worst)}${one.unit ? ` ${one.unit}` : ""}`;
  return html`<li class="finding ${selected === one.key ? "selected" : ""}" id=${`finding-${one.key}`}>
    <div class="finding-head">
      <rt-badge kind=${one.severity} .text=${one.severity}></rt-badge>
      <button type="button" class="finding-when" title=${`${exact(one.start)} (${utc(one.start)})`}
        @click=${() => pick(one)}>${second(one.start)}, ${one.open ? "still so" : duration(one.end - one.start)}</button>
    </div>
    <p class="finding-title">${one.title}</p>
    <p class="finding-advice">${one.advice}</p>
    <p class="quiet">${[`${SIDES[one.side] ?? one.side}${blamed ? ` of ${blamed}` : ""}`, worst].filter(Boolean).join(" · ")}</p>
    ${one.evidence?.length
      ? html`<details><summary>${counted(one.evidence.length, "measurement")} behind it</summary>
          <ul class="evidence">${one.evidence.map(
            (/** @type {any} */ each) => html`<li><rt-time precise .at=${each.timestamp}></rt-time>
              <code>${each.source}.${each.field}</code> ${String(each.value ?? "not known")}</li>`,
          )}</ul></details>`
      : nothing}
  </li>`;
}

/** @param {number} value */
const number = (value) => (Math.abs(value) >= 100 ? whole(value) : String(Number(value.toFixed(2))));
