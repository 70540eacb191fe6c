// Chromium over forced QUIC: a page reads a stream while it appends to it, all of it over HTTP/3.
//
// node tests/quic/chromium_http3.mjs PATH-OF-TIDEGATE

import { spawn } from "node:child_process";
import { createHash, X509Certificate } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import path from "node:path";
import assert from "node:assert/strict";

import { certificate, freePort, up } from "./lib.mjs";

const require = createRequire(new URL("../browser/package.json", import.meta.url));
const { chromium } = require("playwright-core");

const KEY = "tr_dev_quic";
const WORDS = 50;

/** Runs in the page. */
async function inPage({ key, words }) {
  const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };
  const post = async (path, body) => {
    const answer = await fetch(path, { method: "POST", headers, body: JSON.stringify(body) });
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
  };
  await post("/api/v1/sessions", { type: "chat.agent", externalId: "c", taskIdentifier: "demo",
    triggerConfig: { basePayload: { trigger: "preload", chatId: "c" } } });
  const out = "/realtime/v1/sessions/c/out";
  const records = async (count, cursor) => {
    const seen = [];
    const abort = new AbortController();
    const asked = cursor === undefined ? headers : { ...headers, "last-event-id": `${cursor}` };
    const answer = await fetch(out, { headers: asked, signal: abort.signal });
    let text = "";
    for await (const piece of answer.body.pipeThrough(new TextDecoderStream())) {
      text += piece;
      const events = text.split("\n\n");
      text = events.pop();
      for (const event of events.filter((event) => /^event: ?batch/m.test(event))) {
        seen.push(...JSON.parse(event.match(/^data: ?(.*)$/m)[1]).records);
      }
      if (seen.length >= count) break;
    }
    abort.abort();
    return seen.map((record) => [record.seq_num, record.body]);
  };
  const live = records(words);
  for (let at = 0; at < words; at += 1) {
    await post(`${out}/append`, { type: "text-delta", id: "t", delta: `word-${at} ` });
  }
  const log = await live;
  const resumed = [];
  for (let cursor = 0; cursor < words - 1; cursor += 7) {
    resumed.push([cursor, await records(words - 1 - cursor, cursor)]);
  }
  const protocols = performance.getEntriesByType("resource").map((entry) => entry.nextHopProtocol);
  const own = performance.getEntriesByType("navigation")[0].nextHopProtocol;
  return { log, resumed, protocols: [...new Set([own, ...protocols])] };
}

const dir = mkdtempSync(path.join(tmpdir(), "tidegate-h3-"));
const { cert, key } = certificate(dir);
const port = await freePort();
const config = path.join(dir, "tidegate.toml");
writeFileSync(config, `[server]\nlisten = "127.0.0.1:${port}"\n[server.tls]\ncert = "${cert}"
key = "${key}"\n[store]\nurl = "memory:"\n[[environment]]\nname = "dev"
secret_keys = ["${KEY}"]\n[[agent]]\nid = "demo"\nbackend = "demo"\n`);
const gateway = spawn(process.argv[2], ["serve", "--config", config], { stdio: "ignore" });
const spki = new X509Certificate(readFileSync(cert)).publicKey
  .export({ type: "spki", format: "der" });
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: [
    "--no-sandbox",
    `--origin-to-force-quic-on=127.0.0.1:${port}`,
    `--ignore-certificate-errors-spki-list=${createHash("sha256").update(spki).digest("base64")}`,
    "--allow-unknown-root-cert",
  ],
});
try {
  await up(port);
  const tab = await browser.newPage();
  await tab.goto(`https://127.0.0.1:${port}/live`);
  const seen = await tab.evaluate(inPage, { key: KEY, words: WORDS });
  assert.deepEqual(seen.log.map(([seq]) => seq), [...Array(WORDS).keys()]);
  for (const [cursor, records] of seen.resumed) {
    assert.deepEqual(records, seen.log.slice(cursor + 1), `behind ${cursor}`);
  }
  assert.deepEqual(seen.protocols, ["h3"]);
  console.log(`ok: Chromium ${browser.version()}, ${seen.resumed.length} cursors`);
} finally {
  await browser.close();
  gateway.kill();
  rmSync(dir, { recursive: true });
}
