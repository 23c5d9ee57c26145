// @ts-check
import { html, nothing } from "../../vendor/lit.js";
import { bitrate, counted, milliseconds, NONE, percent, size } from "../formats.js";

/** @param {unknown} value */
const said = (value) => (value === null || value === undefined || value === "" ? NONE : String(value));

/** @param {(unknown)[]} parts */
const joined = (...parts) => parts.filter((part) => part !== null && part !== undefined && part !== "").join(" ") || NONE;

/** Who, with what, from where. @param {any} who the peer report's participant */
export function factsOf(who) {
  const about = who.peer_report.metadata;
  const place = about.ip_information;
  const tests = about.pc_metadata;
  const test = tests[tests.length - 1];
  const device = about.device_info;
  return html`<dl class="facts">
    ${fact("Person", joined(who.display_name, who.custom_participant_id && `(${who.custom_participant_id})`))}
    ${fact("Preset", said(who.preset_name))}
    ${fact("Browser", joined(about.browser_metadata.browser, about.browser_metadata.browser_version))}
    ${fact("System", joined(device.os, device.os_version, device.is_mobile ? "(mobile)" : ""))}
    ${fact("Machine", joined(device.cpus === null ? "" : `${device.cpus} cores`, device.memory === null ? "" : `${device.memory} GiB`))}
    ${fact("Client", joined(about.sdk_name, about.sdk_version))}
    ${fact("Place", [place.city, place.region, place.country].filter(Boolean).join(", ") || NONE)}
    ${fact("Provider", joined(place.org, place.asn.asn && `(${place.asn.asn})`))}
    ${fact("Address, masked", said(place.ipv4))}
    ${fact("Network type", said(test?.effective_network_type))}
    ${beforeTheCall(who.peer_stats.precall_network_information)}
    ${fact("Encoder", said(about.native_metadata.video_encoder))}
    <div class="wide"><dt>User agent</dt><dd>${said(about.browser_metadata.user_agent)}</dd></div>
  </dl>`;
}

/** What the test before the call found; its latest, if there were several. @param {any} test */
function beforeTheCall(test) {
  const reached = [
    test.relay_connectivity === true ? "relay reached" : test.relay_connectivity === false ? "no relay reached" : "",
    test.reflexive_connectivity === true ? "STUN's address works" : "",
  ].filter(Boolean);
  const measured = [
    test.rtt === null ? "" : `${milliseconds(test.rtt * 1000)} there and back`,
    test.jitter === null ? "" : `${milliseconds(test.jitter * 1000)} jitter`,
    test.fractional_loss === null ? "" : `${percent(test.fractional_loss)} lost`,
    test.throughput === null ? "" : bitrate(test.throughput * 1000),
    test.backend_rtt === null ? "" : `${milliseconds(test.backend_rtt * 1000)} to Roomtone`,
  ].filter(Boolean);
  return fact("Test before the call", [...reached, ...measured].join(", ") || NONE);
}

/** What nobody told takes no room. @param {string} name @param {unknown} value */
const fact = (name, value) => (value === NONE ? nothing : html`<div><dt>${name}</dt><dd>${value}</dd></div>`);

/** The selected pair of each transport. @param {any} who */
export function pathsOf(who) {
  const { producing_transport, consuming_transport } = who.peer_report.metadata.candidate_pairs;
  const rows = [
    ...producing_transport.map((/** @type {any} */ pair) => ["sends", pair]),
    ...consuming_transport.map((/** @type {any} */ pair) => ["receives", pair]),
  ];
  if (!rows.length) return html`<p class="quiet">No candidate pair was told.</p>`;
  return html`<div class="pairs" tabindex="0" role="region" aria-label="The paths"><table class="table">
    <caption class="heard">The selected candidate pair of each transport</caption>
    <thead><tr><th scope="col">Transport</th><th scope="col">Here</th><th scope="col">There</th>
      <th scope="col">Round trip</th><th scope="col">Sent</th><th scope="col">Received</th><th scope="col">Room to send</th></tr></thead>
    <tbody>${rows.map(
      ([use, pair]) => html`<tr><td data-label="Transport">${use}</td>
        <td data-label="Here">${end(pair, "local")}</td><td data-label="There">${end(pair, "remote")}</td>
        <td data-label="Round trip">${milliseconds(pair.current_round_trip_time === null ? null : pair.current_round_trip_time * 1000)}</td>
        <td data-label="Sent">${size(pair.bytes_sent)}</td><td data-label="Received">${size(pair.bytes_received)}</td>
        <td data-label="Room to send">${bitrate(pair.available_outgoing_bitrate)}</td></tr>`,
    )}</tbody></table></div>`;
}

/** @param {any} pair @param {"local" | "remote"} side */
function end(pair, side) {
  const kind = pair[`${side}_candidate_type`];
  const address = pair[`${side}_candidate_address`];
  const relayed = kind === "relay";
  return html`${joined(kind, pair[`${side}_candidate_protocol`], side === "local" ? known(pair.local_candidate_network_type) : "")}
    ${relayed ? html`<rt-badge kind="info" text="relay"></rt-badge>` : nothing}
    ${address ? html`<br /><span class="quiet">${address}:${pair[`${side}_candidate_port`]}</span>` : nothing}`;
}

/** @param {string | null} word */
const known = (word) => (word === "unknown" ? "" : word);

/** Everything that the client said had happened. @param {any} who */
export function eventsOf(who) {
  const events = who.peer_stats.events;
  if (!events.length) return html`<p class="quiet">The client told of no event.</p>`;
  return html`<p class="quiet">${counted(events.length, "event")}, as the client told them.</p>
    <div class="events" tabindex="0" role="region" aria-label="Events"><table class="table">
      <caption class="heard">Events, by time</caption>
      <thead><tr><th scope="col">When</th><th scope="col">What</th><th scope="col">More</th></tr></thead>
      <tbody>${events.slice(0, MOST).map(
        (/** @type {any} */ event) => html`<tr><td data-label="When"><rt-time precise .at=${event.timestamp}></rt-time></td>
          <td data-label="What"><code>${event.type}</code></td><td data-label="More">${more(event.metadata)}</td></tr>`,
      )}</tbody></table></div>
    ${events.length > MOST ? html`<p class="quiet">The first ${MOST}; the raw JSON has all.</p>` : nothing}`;
}

const MOST = 500;

/** @param {any} metadata */
function more(metadata) {
  if (!metadata) return NONE;
  const text = Object.entries(metadata)
    .map(([name, value]) => `${name}: ${typeof value === "object" ? JSON.stringify(value) : value}`)
    .join(", ");
  return text.length > 300 ? `${text.slice(0, 300)} …` : text;
}
