// @ts-check
import { html } from "../../vendor/lit.js";
import { context } from "../api.js";
import { href } from "../router.js";
import "../components.js";

/** What an app without sessions shows: the two lines that send it the first call. */
export function firstCall() {
  const url = context.me?.url || location.origin;
  const lines = `import { observe } from "${url}/roomtone.js";\nobserve({ url: "${url}", token });`;
  return html`<rt-empty heading="No call has come in yet" .body=${html`
    <p>Two lines in a page that holds WebRTC calls are enough; each call then shows up here within
      seconds. <code>token</code> is a participant's token, which your server asks for when somebody joins.</p>
    <pre tabindex="0" aria-label="The two lines">${lines}</pre>
    <p class="row"><rt-copy .text=${lines} label="Copy the lines"></rt-copy>
      <a class="button" href=${href("/import")}>Import a recording</a>
      <a class="button" href="/docs">API reference</a></p>
    <p class="note">The account is <code>${context.me?.account.id}</code>, the app <code>${context.app?.id}</code>;
      tokens are made under <a href=${href("/settings/tokens")}>Settings</a>.</p>`}></rt-empty>`;
}
