// A webhook receiver written with nothing but what the vendor documents: the public key from
// /.well-known/webhooks.json, RSA-SHA256 over the raw body (today's samples) and over
// JSON.stringify of the parsed body (the older ones).
//
//   node webhook_receiver.cjs WELL_KNOWN_URL LOG
//
// Prints its port. Every delivery is a line of LOG. What it answers is in the path that it is
// called under.
"use strict";

const crypto = require("node:crypto");
const fs = require("node:fs");
const http = require("node:http");

const [wellKnown, log] = process.argv.slice(2);
const seen = new Map();

function verified(publicKey, signed, signature) {
  const verifier = crypto.createVerify("RSA-SHA256");
  verifier.update(signed);
  return verifier.verify(publicKey, signature, "base64");
}

async function publicKey() {
  const answer = await fetch(wellKnown);
  const { success, data } = await answer.json();
  if (!success) throw new Error("no key");
  return data.publicKey;
}

async function note(request, raw) {
  const uuid = request.headers["rtk-uuid"];
  const signature = request.headers["rtk-signature"];
  const line = {
    path: request.url,
    uuid,
    webhook: request.headers["rtk-webhook-id"],
    type: request.headers["content-type"],
    host: request.headers.host,
    at: Date.now(),
    raw: raw.toString("utf8"),
    body: JSON.parse(raw.toString("utf8")),
  };
  seen.set(uuid, (seen.get(uuid) || 0) + 1);
  fs.appendFileSync(log, JSON.stringify(await checked(line, raw, signature)) + "\n");
}

async function checked(line, raw, signature) {
  let key;
  try {
    key = await publicKey();
  } catch {
    // The server was killed meanwhile: the key of before is the key of now.
    key = publicKey.last;
  }
  publicKey.last = key;
  line.rawVerified = verified(key, raw, signature);
  line.restringified = verified(key, JSON.stringify(JSON.parse(raw.toString("utf8"))), signature);
  line.tamperedVerified = verified(key, Buffer.concat([raw, Buffer.from(" ")]), signature);
  return line;
}

function answer(request, response) {
  const times = seen.get(request.headers["rtk-uuid"]);
  const path = request.url.split("?")[0];
  if (path === "/hang") return;
  if (path === "/redirect") return void response.writeHead(302, { location: "/ok" }).end();
  if (path === "/gone") return void response.writeHead(410).end("no longer here");
  if (path === "/failing") return void response.writeHead(503).end("not now");
  if (path === "/flaky" && times < 2) return void response.writeHead(500).end("once more");
  if (path === "/endless") {
    response.writeHead(200);
    const write = () => response.write("x".repeat(4096)) ? setImmediate(write) : response.once("drain", write);
    return void write();
  }
  response.writeHead(200).end("taken");
}

const server = http.createServer((request, response) => {
  const pieces = [];
  response.on("error", () => {});
  request.on("data", (piece) => pieces.push(piece));
  request.on("end", async () => {
    await note(request, Buffer.concat(pieces));
    answer(request, response);
  });
});
publicKey().then((key) => {
  publicKey.last = key;
  server.listen(0, "127.0.0.1", () => console.log(server.address().port));
});
