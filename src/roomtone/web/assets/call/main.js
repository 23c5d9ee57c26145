// The page's course: invitation → lobby → call → end, and back.
// SPDX-License-Identifier: Apache-2.0

import { Call } from "./call.js";
import { byId, duration, show } from "./dom.js";
import { joinFault, lobby } from "./lobby.js";
import { OwnMedia } from "./own.js";
import { person } from "./person.js";
import * as server from "./server.js";
import { theme } from "./theme.js";

/** @typedef {import("./call.js").Ending} Ending */

/** @type {Call | null} */
let call = null;

const HEADINGS = /** @type {Record<number, string>} */ ({
  0: "The server cannot be reached",
  403: "This invitation does not open the call",
  404: "This call does not exist",
  410: "This invitation has expired",
  429: "Too many tries",
});

async function begin() {
  theme();
  if (!server.meetingId || !server.invite) {
    notice(
      "You need an invitation",
      "A call is opened by a link that ends in ?invite=… Ask whoever runs this Roomtone for one. " +
        "They make it with:",
      { code: `roomtone call ${server.meetingId}`.trim() },
    );
    return;
  }
  const me = await person();
  const own = new OwnMedia();
  await enter(me, own, false);
}

/**
 * @param {import("./person.js").Person} me @param {OwnMedia} own
 * @param {boolean} again straight back in, with the devices that were on
 */
async function enter(me, own, again) {
  let about;
  try {
    about = await server.about();
  } catch (error) {
    refused(error);
    return;
  }
  let name = me.name;
  for (;;) {
    if (!again || !name) name = await lobby(about, own, name);
    again = false;
    try {
      const joined = await server.join(name, me.key);
      me.remember(name);
      me.name = name;
      joinFault("");
      call = new Call(joined, me.key, own, (ending) => ended(me, ending));
      return;
    } catch (error) {
      if (!(error instanceof server.Refused)) throw error;
      if (error.status === 403 || error.status === 410) {
        own.close();
        refused(error);
        return;
      }
      joinFault(error.message);
    }
  }
}

/** @param {import("./person.js").Person} me @param {Ending} ending */
async function ended(me, ending) {
  call = null;
  const link = /** @type {HTMLAnchorElement} */ (byId("record"));
  link.hidden = true;
  byId("end-title").textContent = ending.reason ? "The call ended for you" : "You left the call";
  byId("end-text").textContent =
    ending.reason || `You were in it for ${duration(ending.seconds)}. Its record is being kept.`;
  show("end");
  const again = byId("rejoin", HTMLButtonElement);
  again.disabled = true;
  again.focus();
  const record = await ending.record();
  again.disabled = false;
  again.onclick = () => enter(me, new OwnMedia(), false);
  if (record?.console) {
    link.href = record.console;
    link.hidden = false;
  }
}

/** @param {unknown} error */
function refused(error) {
  const { status, message } =
    error instanceof server.Refused ? error : { status: -1, message: String(error) };
  const heading = HEADINGS[status] ?? "The call cannot be opened";
  notice(heading, message, { again: status === 0 || status === 429 });
}

/** @param {string} title @param {string} text @param {{code?: string, again?: boolean}} more */
function notice(title, text, { code = "", again = false }) {
  byId("notice-title").textContent = title;
  byId("notice-text").textContent = text;
  const block = byId("notice-code");
  block.hidden = code === "";
  const inner = block.querySelector("code");
  if (inner) inner.textContent = code;
  const button = byId("notice-again", HTMLButtonElement);
  button.hidden = !again;
  button.onclick = () => location.reload();
  show("notice");
}

addEventListener("pagehide", () => call?.vanish());
// A page that comes back from the browser's cache has hung up: it begins anew.
addEventListener("pageshow", (event) => event.persisted && location.reload());

begin().catch((error) => notice("The call cannot be opened", String(error), { again: true }));
