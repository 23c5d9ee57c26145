// Encodes and signs webhook events as LiveKit's server does, with LiveKit's own packages.
import { createHash } from "node:crypto";
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";

const require = createRequire(`${process.argv[2]}/package.json`);
const { AccessToken, WebhookEvent, WebhookReceiver } = require("livekit-server-sdk");

const { key, secret, now, events } = JSON.parse(readFileSync(0, "utf8"));
const RealDate = Date;
globalThis.Date = class extends RealDate {
  constructor(...given) {
    super(...(given.length ? given : [now]));
  }
  static now() {
    return now;
  }
};
const signed = [];
for (const event of events) {
  const body = WebhookEvent.fromJson(event).toJsonString();
  const token = new AccessToken(key, secret, { ttl: "5m" });
  token.sha256 = createHash("sha256").update(body).digest("base64");
  const jwt = await token.toJwt();
  await new WebhookReceiver(key, secret).receive(body, jwt);
  signed.push({ body, token: jwt });
}
process.stdout.write(JSON.stringify(signed));
