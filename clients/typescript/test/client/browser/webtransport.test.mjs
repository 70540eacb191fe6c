// Chromium: a live answer over SSE, WebSocket and WebTransport in turn, and UDP that is blocked.

import assert from "node:assert/strict";
import { test } from "node:test";
import { newSession, words } from "../lib.mjs";
import { stage } from "./stage.mjs";
import { tlsGateway } from "./tls.mjs";

const gw = await tlsGateway();
const { open, errors } = await stage({ quic: true });

test("a live answer goes from SSE to WebSocket to WebTransport to SSE, exactly", async () => {
  const { page } = await follow();
  await page.waitForFunction(() => subscription.transport === "webtransport");
  await page.evaluate(() => session.moveTo("sse"));
  await page.waitForFunction(() => subscription.transport === "sse");
  await page.evaluate(() => session.send("/words 600"));
  let seen = 20;
  for (const transport of ["websocket", "webtransport", "sse"]) {
    await page.waitForFunction((n) => text.includes(`word-${n} `), seen);
    await page.evaluate((transport) => session.moveTo(transport), transport);
    await page.waitForFunction((transport) => subscription.transport === transport, transport);
    seen += 100;
  }
  assert.deepEqual(await page.evaluate(() => lives.slice(-4)),
    ["sse", "websocket", "webtransport", "sse"]);
  assert.equal(await page.evaluate(() => done), 0, "the answer was still running");
  await finished(page, 600);
});

test("UDP that is blocked in mid-answer is left, without loss", async (t) => {
  const { page } = await follow();
  await page.waitForFunction(() => subscription.transport === "webtransport");
  await page.evaluate(() => session.send("/words 800"));
  await page.waitForFunction(() => text.includes("word-50 "));
  assert.equal(await page.evaluate(() => subscription.transport), "webtransport");
  gw.block();
  const before = await page.evaluate(() => performance.now());
  await page.waitForFunction(() => subscription.transport !== "webtransport");
  const after = await page.evaluate(() => performance.now());
  t.diagnostic(`left after ${Math.round(after - before)} ms`);
  assert.equal(await page.evaluate(() => done), 0, "the answer was still running");
  await finished(page, 800);
});

test("no page had an error", () => assert.deepEqual(errors, []));

async function follow() {
  const { name } = await newSession(gw);
  const page = await open("tab.mjs");
  await page.evaluate(([url, key, name, hash]) => begin(url, key, name, {
    transports: ["webtransport", "websocket", "sse"],
    webTransport: { serverCertificateHashes: [
      { algorithm: "sha-256", value: new Uint8Array(hash).buffer }] },
  }), [gw.tls, gw.key, name, gw.hash]);
  return { page, name };
}

async function finished(page, n) {
  await page.waitForFunction((wanted) => text === wanted && done === 1, words(n));
  const { seqs, gaps } = await page.evaluate(() => ({ seqs, gaps }));
  assert.equal(gaps, 0);
  assert.deepEqual(seqs, seqs.map((_, index) => index));
}
