// Eight tabs of a real browser share one connection, whichever of them goes away.

import assert from "node:assert/strict";
import { test } from "node:test";
import { gateway, newSession, words } from "../lib.mjs";
import { stage } from "./stage.mjs";

const gw = await gateway();
const { open, errors } = await stage();

test("eight tabs share one WebSocket; the one that has it goes away in mid-answer", async () => {
  const tabs = [];
  for (let n = 0; n < 8; n += 1) {
    const { name } = await newSession(gw);
    const page = await open("tab.mjs");
    await page.evaluate(([url, key, name]) => begin(url, key, name), [gw.url, gw.key, name]);
    tabs.push({ page, name });
  }
  for (const { page } of tabs) await page.waitForFunction(() => lives.at(-1) === "websocket");
  assert.equal(await sockets(tabs), 1, "sockets of all tabs");

  for (const { page } of tabs) await page.evaluate(() => session.send("/words 300"));
  for (const { page } of tabs) await page.waitForFunction(() => text.includes("word-20 "));
  const leader = await leading(tabs);
  const rest = tabs.filter((tab) => tab !== leader);
  await leader.page.close();
  await finished(rest, 300);
  await settledOnOne(rest);

  // The next one does not close, it freezes: nothing of it is heard any more.
  const frozen = await leading(rest);
  const others = rest.filter((tab) => tab !== frozen);
  const devtools = await frozen.page.context().newCDPSession(frozen.page);
  for (const { page } of others) await page.evaluate(() => session.send("/words 200"));
  for (const { page } of others) {
    await page.waitForFunction(() => text.split("word-20 ").length > 2);
  }
  await devtools.send("Debugger.enable");
  await devtools.send("Debugger.pause");
  frozen.page.evaluate(() => 0).catch(() => undefined);
  await finished(others, 200);
  await settledOnOne(others);
  assert.deepEqual(errors, []);
});

/** Every tab has its text whole, every seq once. */
async function finished(tabs, n) {
  for (const { page } of tabs) {
    await page.waitForFunction((wanted) => text.endsWith(wanted) && done > 0, words(n));
    const { seqs, gaps } = await page.evaluate(() => ({ seqs, gaps }));
    assert.equal(gaps, 0);
    assert.deepEqual(seqs, seqs.map((_, index) => index));
  }
}

async function settledOnOne(tabs) {
  for (const { page } of tabs) {
    await page.waitForFunction(() => subscription.transport === "websocket");
  }
  assert.equal(await sockets(tabs), 1, "sockets of the tabs that are left");
}

async function sockets(tabs) {
  const open = await Promise.all(tabs.map(({ page }) => page.evaluate(() => openSockets())));
  return open.reduce((sum, count) => sum + count, 0);
}

async function leading(tabs) {
  for (const tab of tabs) if (await tab.page.evaluate(() => openSockets()) > 0) return tab;
  throw new Error("no tab has a connection");
}
