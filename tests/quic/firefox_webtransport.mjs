// Firefox and WebTransport: the page of a plain http origin opens `/v1/connect` by the
// certificate's hash, and talks with the real gateway: a chat, its cursor, its stop.
//
// node tests/quic/firefox_webtransport.mjs PATH-OF-TIDEGATE

import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import http from "node:http";
import https from "node:https";
import { tmpdir } from "node:os";
import path from "node:path";
import assert from "node:assert/strict";

import { firefox } from "./firefox.mjs";
import { certificate, freePort, up } from "./lib.mjs";

const KEY = "tr_dev_firefox";

/** Runs in the page. */
async function inPage({ url, hash, key }) {
  const session = new WebTransport(url, { serverCertificateHashes:
    [{ algorithm: "sha-256", value: new Uint8Array(hash) }] });
  await session.ready;
  const control = await session.createBidirectionalStream();
  const writer = control.writable.getWriter();
  const send = (frame) => writer.write(new TextEncoder().encode(`${JSON.stringify(frame)}\n`));
  const said = [];
  const heard = new Map();
  let wake = () => {};
  const until = async (done) => {
    while (!done()) await new Promise((woken) => (wake = woken));
  };
  const read = async (readable, take) => {
    let rest = "";
    const decoder = new TextDecoder();
    const reader = readable.getReader();
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      const lines = (rest + decoder.decode(value, { stream: true })).split("\n");
      rest = lines.pop();
      lines.forEach((line) => take(JSON.parse(line)));
      wake();
    }
  };
  read(control.readable, (frame) => said.push(frame)).catch(() => {});
  const accept = async () => {
    const streams = session.incomingUnidirectionalStreams.getReader();
    for (;;) {
      const { value, done } = await streams.read();
      if (done) return;
      read(value, (frame) => {
        if (frame.t === "stream") heard.set(frame.id, []);
        else heard.get(frame.id).push(...frame.records);
      }).catch(() => {});
    }
  };
  accept().catch(() => {});
  const append = (id, body) =>
    send({ t: "append", id, session: "chat", body: JSON.stringify(body) });
  const say = (id, text) => append(id, { kind: "message", payload: { chatId: "chat",
    trigger: "submit-message",
    message: { id: `u${id}`, role: "user", parts: [{ type: "text", text }] } } });
  const boundaries = (records) => records.filter(({ headers }) =>
    headers?.some(([name, value]) => name === "trigger-control" && value === "turn-complete"));
  const log = (id) => heard.get(id) ?? [];
  await send({ t: "hello", token: key });
  await send({ t: "subscribe", id: 1, session: "chat" });
  await say(2, "hi");
  await until(() => boundaries(log(1)).length === 1);
  const first = log(1).length;
  await send({ t: "subscribe", id: 3, session: "chat", after: 2 });
  await until(() => log(3).length === first - 3);
  await say(4, "/words 3000 20");
  await until(() => log(1).length > first + 10);
  await append(5, { kind: "stop" });
  await until(() => boundaries(log(1)).length === 2 && log(3).length === log(1).length - 3);
  const frames = said.map(({ t }) => t);
  // What was never sent: the gateway ends it.
  await send({ t: "ack", id: 1, seq: 100_000 });
  const { closeCode } = await session.closed;
  return { frames, one: log(1), three: log(3), closeCode };
}

/** Makes the session "chat". */
const create = (port) => new Promise((done, failed) => {
  const body = JSON.stringify({ type: "chat.agent", externalId: "chat", taskIdentifier: "demo",
    triggerConfig: { basePayload: { trigger: "preload", chatId: "chat" } } });
  https.request({ port, host: "127.0.0.1", method: "POST", path: "/api/v1/sessions",
    rejectUnauthorized: false, headers: { authorization: `Bearer ${KEY}` } },
  (answer) => done(answer.resume().statusCode)).on("error", failed).end(body);
});

const dir = mkdtempSync(path.join(tmpdir(), "tidegate-firefox-wt-"));
const { cert, key, hash } = certificate(dir);
const port = await freePort();
const config = path.join(dir, "tidegate.toml");
writeFileSync(config, `[server]\nlisten = "127.0.0.1:${port}"
[server.tls]\ncert = "${cert}"\nkey = "${key}"\n[store]\nurl = "memory:"
[[environment]]\nname = "dev"\nsecret_keys = ["${KEY}"]
[[agent]]\nid = "demo"\nbackend = "demo"\nwords_per_second = 0\n`);
const gateway = spawn(process.argv[2], ["serve", "--config", config],
  { stdio: "inherit", env: { ...process.env, RUST_LOG: process.env.RUST_LOG ?? "error" } });
const page = http.createServer((_, answer) => {
  answer.setHeader("content-type", "text/html");
  answer.end("<!doctype html>");
}).listen(0, "127.0.0.1");
const browser = await firefox();
try {
  await up(port);
  assert.equal(await create(port), 201);
  const seen = await browser.evaluate(`http://127.0.0.1:${page.address().port}/`, inPage,
    { url: `https://127.0.0.1:${port}/v1/connect`, hash, key: KEY });
  assert.equal(seen.frames[0], "welcome");
  assert.equal(seen.frames.filter((type) => type === "ack").length, 5);
  assert.deepEqual(seen.one.map((record) => record.seq_num), seen.one.map((_, at) => at));
  assert.deepEqual(seen.three, seen.one.slice(3));
  const text = seen.one.map(({ body }) => body && JSON.parse(body).data?.delta).join("");
  assert.match(text, /You said: “hi”.*word-1 word-2/s);
  assert.ok(!text.includes("word-3000"), "the stop came through");
  assert.equal(seen.closeCode, 4506);
  console.log(`ok: Firefox ${browser.version}, ${seen.one.length} records`);
} finally {
  await browser.close();
  gateway.kill("SIGKILL");
  page.close();
  rmSync(dir, { recursive: true });
}
