// A page that is left and comes back, and one that is offline for a while.

import assert from "node:assert/strict";
import { test } from "node:test";
import { client, gateway, newSession, words } from "../lib.mjs";
import { stage } from "./stage.mjs";

const gw = await gateway();
const { open, context, errors } = await stage();

test("a page that is hidden away holds nothing open, and goes on from its cursor", async () => {
  const { page, name } = await follow();
  // What a browser does around its cache for the back button; Playwright can't go through that.
  await transition(page, "pagehide");
  await page.waitForFunction(() => openSockets() === 0);
  assert.equal((await page.evaluate(() => navigator.locks.query())).held.length, 0);
  await client(gw, { transports: ["sse"] }).session(name).send("/words 30");
  await transition(page, "pageshow");
  await page.waitForFunction((wanted) => text === wanted, words(30));
  assert.deepEqual(await page.evaluate(() => [gaps, new Set(seqs).size === seqs.length]),
    [0, true]);
});

test("what is said offline is sent when the page is online again", async () => {
  const { page } = await follow();
  await context.setOffline(true);
  await page.evaluate(() => {
    globalThis.sent = session.send("/words 7");
  });
  assert.equal(await page.evaluate(() => client.pending.length), 1);
  await context.setOffline(false);
  await page.waitForFunction((wanted) => text === wanted, words(7));
  assert.equal(await page.evaluate(() => sent.then(({ seq }) => seq)), 0);
});

test("no page had an error", () => assert.deepEqual(errors, []));

const transition = (page, name) => page.evaluate((name) =>
  void dispatchEvent(new PageTransitionEvent(name, { persisted: true })), name);

async function follow() {
  const { name } = await newSession(gw);
  const page = await open("tab.mjs");
  await page.evaluate(([url, key, name]) => begin(url, key, name), [gw.url, gw.key, name]);
  await page.waitForFunction(() => subscription.transport === "websocket");
  return { page, name };
}
