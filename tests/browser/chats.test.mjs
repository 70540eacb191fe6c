// The example app in a real Chromium: both transports do the same.

import assert from "node:assert/strict";
import { test } from "node:test";
import { stage } from "./lib/stage.mjs";
import {
  answers, echo, idle, newChat, questions, runSeed, say, seeded, stop, words, wordsShown,
} from "./lib/page.mjs";

const { app, pages, open, noErrors } = await stage();

const KINDS = {
  "TriggerChatTransport, transcript": `${app}/chat`,
  "TriggerChatTransport, hydrated": `${pages}/hydrated`,
  "DefaultChatTransport": `${app}/ai-sdk`,
  "WebSocketChatTransport": `${app}/socket`,
};
const RELOADS = 20;

for (const [kind, base] of Object.entries(KINDS)) {
  const shared = kind !== "TriggerChatTransport, hydrated";

  test(`${kind}: a conversation, and a reload after it`, { timeout: 300_000 }, async () => {
    const page = await open(`${base}/${newChat("talk")}`);
    await say(page, "hi");
    await page.getByText(echo("hi")).waitFor();
    await idle(page);
    await say(page, "and more");
    await page.getByText(echo("and more")).waitFor();
    await idle(page);
    await page.reload();
    await page.getByText(echo("and more")).waitFor();
    await idle(page);
    assert.deepEqual(await answers(page), [echo("hi"), echo("and more")]);
    assert.deepEqual(await questions(page), ["hi", "and more"]);
    noErrors();
    await page.close();
  });

  test(`${kind}: ${RELOADS} reloads during one long answer`, { timeout: 500_000 }, async (t) => {
    const random = seeded(runSeed(t));
    const page = await open(`${base}/${newChat("reload")}`);
    await say(page, "/words 1200 30");
    let shown = 3;
    for (let reload = 0; reload < RELOADS; reload += 1) {
      await wordsShown(page, shown);
      shown += 1 + Math.floor(random() * 25);
      await page.reload();
    }
    await wordsShown(page, shown);
    assert.ok((await answers(page)).at(-1).length < words(1200).length, "still in the middle");
    await idle(page, 240_000);
    assert.deepEqual(await answers(page), [words(1200)]);
    assert.deepEqual(await questions(page), ["/words 1200 30"]);
    noErrors();
    await page.close();
  });

  test(`${kind}: stop, also after a reload`, { timeout: 300_000 }, async () => {
    const page = await open(`${base}/${newChat("stop")}`);
    await say(page, "/words 3000 20");
    await wordsShown(page, 5);
    await page.reload();
    await wordsShown(page, 8);
    await stop(page);
    await idle(page);
    await say(page, "next");
    await page.getByText(echo("next")).waitFor();
    await idle(page);
    const all = await answers(page);
    assert.equal(all.length, 2);
    assert.ok(all[0].length < words(3000).length);
    noErrors();
    await page.close();
  });

  test(`${kind}: a tool approval survives a reload`, { timeout: 300_000 }, async () => {
    const page = await open(`${base}/${newChat("approve")}`);
    await say(page, "/approve boat");
    await page.getByRole("button", { name: "Approve" }).waitFor();
    await idle(page);
    await page.reload();
    await page.getByRole("button", { name: "Approve" }).click();
    await page.getByText("Approved, so boat is on its way.").waitFor();
    await idle(page);
    assert.equal(await page.locator('[data-part="tool-ship"]').getAttribute("data-state"),
      "output-available");
    assert.equal((await answers(page)).length, 1, "it goes on in the same message");
    noErrors();
    await page.close();
  });

  if (!shared) continue;

  test(`${kind}: two tabs see the same, and one stops the other`, { timeout: 300_000 }, async () => {
    const url = `${base}/${newChat("tabs")}`;
    const first = await open(url);
    await say(first, "/words 150 20");
    await wordsShown(first, 3);
    const second = await open(url);
    await wordsShown(second, 10);
    await Promise.all([idle(first), idle(second)]);
    assert.deepEqual(await answers(first), [words(150)]);
    assert.deepEqual(await answers(second), [words(150)]);

    await say(first, "/words 3000 20");
    await wordsShown(first, 5);
    await second.reload();
    await wordsShown(second, 8);
    await stop(second);
    await Promise.all([idle(first), idle(second)]);
    await say(first, "after the stop");
    await first.getByText(echo("after the stop")).waitFor();
    await idle(first);
    await second.reload();
    await second.getByText(echo("after the stop")).waitFor();
    await idle(second);
    assert.deepEqual(await answers(second), await answers(first));
    noErrors();
    await Promise.all([first.close(), second.close()]);
  });
}
