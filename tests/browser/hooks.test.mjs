// `useMultiTabChat`, `usePendingMessages` and `useChatActions` in a real browser.

import assert from "node:assert/strict";
import { test } from "node:test";
import { call, settled } from "../compat/lib/wire.mjs";
import { answers, echo, idle, newChat, say, words, wordsShown } from "./lib/page.mjs";
import { stage } from "./lib/stage.mjs";

const { gw, pages, open, noErrors } = await stage();

test("useMultiTabChat: the other tab reads along and may speak afterwards", async () => {
  const chat = newChat("multi");
  const url = `${pages}/hooks/${chat}`;
  const first = await open(url);
  const second = await open(url);
  await say(first, "/words 400 20");
  await wordsShown(first, 3);
  await second.locator("#read-only", { hasText: "true" }).waitFor();
  await wordsShown(second, 20);
  await idle(first);
  await second.locator("#read-only", { hasText: "false" }).waitFor();
  // The hook shares on idle time, so the last words may not have come across; and when the claim
  // ends the other tab shares back what it has.
  for (const tab of [first, second]) {
    assert.ok(words(400).startsWith((await answers(tab))[0].trim()));
  }
  await say(second, "my turn");
  // Here, too, what the other tab shares back may take the last words away again (in both tabs,
  // under load), so the page shows the answer's beginning and the gateway that it was whole.
  const answer = (tab) => tab.getByText("You said").waitFor();
  await Promise.any([answer(first), answer(second)]);
  assert.equal((await settled(gw, chat, 2)).length, 2);
  const records = await (await call(gw, `/realtime/v1/sessions/${chat}/out/records`)).json();
  assert.equal(records.records.map(({ data }) => data?.delta ?? "").join(""), echo("my turn"));
  noErrors();
  await Promise.all([first.close(), second.close()]);
});

test("usePendingMessages: steering and queueing while an answer streams", async () => {
  const chat = newChat("pending");
  const page = await open(`${pages}/hooks/${chat}`);
  await say(page, "/words 400 20");
  await wordsShown(page, 3);
  await page.getByRole("button", { name: "Steer" }).click();
  await page.getByRole("button", { name: "Queue" }).click();
  await page.locator("#pending", { hasText: "queued:afterwards" }).waitFor();
  // What was not injected is sent again by the hook, as one message, when the answer is complete.
  await page.getByText(echo("turn left afterwards")).waitFor();
  await idle(page);
  assert.equal((await answers(page))[0], words(400), "the answer is undisturbed");
  assert.equal((await settled(gw, chat, 3)).length, 3);
  const inputs = await (await call(gw, `/realtime/v1/sessions/${chat}/in/records`)).json();
  assert.equal(inputs.records.length, 3);
  noErrors();
  await page.close();
});

test("useChatActions: an action's answer is rendered", async () => {
  const page = await open(`${pages}/hooks/${newChat("action")}`);
  await say(page, "hi");
  await page.getByText(echo("hi")).waitFor();
  await idle(page);
  await page.getByRole("button", { name: "Act" }).click();
  await page.getByText("An action says").waitFor();
  await idle(page);
  noErrors();
  await page.close();
});
