// Signs deliveries as the documents of Daily and BigBlueButton tell their receivers to check them.
import { createHash, createHmac } from "node:crypto";
import { readFileSync } from "node:fs";

const { kind, secret, url, stamp, algorithm, events } = JSON.parse(readFileSync(0, "utf8"));

const signers = {
  daily(event) {
    const body = JSON.stringify(event);
    const hmac = createHmac("sha256", Buffer.from(secret, "base64"));
    const signature = hmac.update(`${stamp}.${body}`).digest("base64");
    return {
      body,
      query: "",
      headers: { "x-webhook-timestamp": stamp, "x-webhook-signature": signature },
    };
  },
  bigbluebutton(event) {
    const form = new URLSearchParams({
      domain: "bbb.example",
      event: `[${JSON.stringify(event)}]`,
      timestamp: stamp,
    });
    const body = form.toString();
    const checksum = createHash(algorithm).update(url + body + secret).digest("hex");
    return {
      body,
      query: `${url.includes("?") ? "&" : "?"}checksum=${checksum}`,
      headers: { "content-type": "application/x-www-form-urlencoded;charset=UTF-8" },
    };
  },
};
process.stdout.write(JSON.stringify(events.map(signers[kind])));
