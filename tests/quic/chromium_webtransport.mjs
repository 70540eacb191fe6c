// Chromium and WebTransport: the page of a plain http origin opens sessions by the certificate's
// hash (`serverCertificateHashes`: ECDSA, at most 14 days), and talks with the service of
// `tests/examples/webtransport_echo.rs`.
//
// node tests/quic/chromium_webtransport.mjs PATH-OF-WEBTRANSPORT_ECHO

import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import http from "node:http";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import path from "node:path";
import assert from "node:assert/strict";

import { certificate, freePort, up } from "./lib.mjs";

const require = createRequire(new URL("../browser/package.json", import.meta.url));
const { chromium } = require("playwright-core");

/** Runs in the page. */
async function inPage({ url, hash, streams }) {
  const seen = {};
  const options = { serverCertificateHashes:
    [{ algorithm: "sha-256", value: new Uint8Array(hash).buffer }] };
  const session = new WebTransport(url, options);
  await session.ready;
  const control = await session.createBidirectionalStream();
  const writer = control.writable.getWriter();
  const say = (text) => writer.write(new TextEncoder().encode(text));
  const text = async (readable) => {
    let all = "";
    const decoder = new TextDecoder();
    for await (const piece of readable) all += decoder.decode(piece, { stream: true });
    return all;
  };
  const reader = control.readable.pipeThrough(new TextDecoderStream()).getReader();
  await say('{"t":"hello"}\n');
  seen.echo = (await reader.read()).value;
  const incoming = session.incomingUnidirectionalStreams.getReader();
  // The first stream is opened and never read; the others come through whole.
  await say("open 1 20000 1000\n");
  const still = (await incoming.read()).value;
  seen.lengths = [];
  for (let id = 2; id < 2 + streams; id += 1) {
    await say(`open ${id} 100 1000\n`);
    const { value } = await incoming.read();
    const whole = await text(value);
    seen.lengths.push([whole.slice(0, whole.indexOf("\n")), whole.length]);
  }
  await still.cancel();
  await say("close 4003 the gateway drains\n");
  const end = await session.closed;
  seen.end = [end.closeCode, end.reason];
  // The client may end it, too.
  const second = new WebTransport(url, options);
  await second.ready;
  second.close({ closeCode: 7, reason: "bye" });
  seen.second = (await second.closed).closeCode;
  const refused = new WebTransport(url.replace("/echo", "/nowhere"), options);
  seen.refused = await refused.ready.then(() => "ready", (error) => error.name);
  return seen;
}

const dir = mkdtempSync(path.join(tmpdir(), "tidegate-wt-"));
const { cert, key, hash } = certificate(dir);
const port = await freePort();
const echo = spawn(process.argv[2], [`127.0.0.1:${port}`, cert, key], { stdio: "inherit" });
const page = http.createServer((_, answer) => answer.end("<!doctype html>")).listen(0);
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox"],
});
try {
  await up(port);
  const tab = await browser.newPage();
  await tab.goto(`http://127.0.0.1:${page.address().port}/`);
  const url = `https://127.0.0.1:${port}/echo`;
  const seen = await tab.evaluate(inPage, { url, hash, streams: 20 });
  assert.equal(seen.echo, '{"t":"hello"}\n');
  for (const [index, [first, length]] of seen.lengths.entries()) {
    assert.equal(first, `{"t":"stream","id":${index + 2}}`);
    assert.equal(length, first.length + 1 + 100 * 1001);
  }
  assert.deepEqual(seen.end, [4003, "the gateway drains"]);
  assert.equal(seen.second, 7);
  assert.equal(seen.refused, "WebTransportError");
  console.log(`ok: Chromium ${browser.version()}, ${seen.lengths.length} streams`);
} finally {
  await browser.close();
  echo.kill();
  page.close();
  rmSync(dir, { recursive: true });
}
