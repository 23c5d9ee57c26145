// @ts-check
import { html, nothing } from "../../vendor/lit.js";
import { clock, counted, duration, mos } from "../formats.js";
import { SPELLS } from "./model.js";

/**
 * The same as the timeline shows, in words and numbers.
 * @param {import("./model.js").Timeline} line
 */
export const asTable = (line) =>
  html`<div class="tl-scrollable" tabindex="0" role="region" aria-label="The timeline as a table">
    <table class="table tl-plain">
      <caption class="heard">Everybody's connections, with what happened during each</caption>
      <thead><tr>
        <th scope="col">Who</th><th scope="col">There</th><th scope="col">MOS received</th>
        <th scope="col">MOS sent</th><th scope="col">What lasted</th><th scope="col">What happened</th>
        <th scope="col">Findings</th>
      </tr></thead>
      <tbody>${line.peers.map((peer) => row(peer))}</tbody>
    </table>
  </div>`;

/** @param {import("./model.js").Peer} peer */
const row = (peer) => html`<tr>
  <th scope="row">${peer.name}</th>
  <td>${peer.spans.map(
    (span) => html`<div>${clock(span.start)} to ${span.open ? "now" : clock(span.end)}, ${duration(span.end - span.start)}</div>`,
  )}</td>
  <td>${mos(peer.receivedMos)}</td>
  <td>${mos(peer.sentMos)}</td>
  <td>${list(peer.spells.map((one) => `${clock(one.start)} ${SPELLS[one.kind] ?? one.kind}, ${duration(one.end - one.start)}`))}</td>
  <td>${list([
    ...peer.marks.map((one) => `${clock(one.at)} ${one.text}`),
    ...(peer.marksCut ? [`and ${counted(peer.marksCut, "more", "more")}`] : []),
  ])}</td>
  <td>${list(peer.findings.map((one) => `${clock(one.start)} ${one.severity}: ${one.title}`))}</td>
</tr>`;

/** @param {string[]} lines */
const list = (lines) =>
  lines.length ? html`<ul class="tl-lines">${lines.map((one) => html`<li>${one}</li>`)}</ul>` : nothing;
