// `useChat` with the unmodified `WebSocketChatTransport` of `ai` 7 in Chromium, frame by frame.

import assert from "node:assert/strict";
import { test } from "node:test";
import { stopsOf } from "../compat/lib/sockets.mjs";
import { boundaries, call, eventually, records, settled } from "../compat/lib/wire.mjs";
import {
  answers, echo, idle, newChat, questions, runSeed, say, seeded, words, wordsShown,
} from "./lib/page.mjs";
import { counted, ids, press, recorded, sentOf } from "./lib/sockets.mjs";
import { stage } from "./lib/stage.mjs";

const { gw, pages, context, open, noErrors } = await stage();
const timeout = 300_000;
const RELOADS = 5;

/** A page with a new chat, and what goes over its sockets. */
async function newPage(name) {
  const chat = newChat(name);
  let sockets;
  context.once("page", (page) => (sockets = recorded(page)));
  const page = await open(`${pages}/socket/${chat}`);
  return { chat, page, sockets };
}

const stored = async (chat) =>
  (await (await call(gw, `/api/v1/sessions/${chat}/transcript?limit=50`)).json()).messages;

test("answers come over one socket, chunk by chunk", { timeout }, async () => {
  const { chat, page, sockets } = await newPage("plain");
  for (const text of ["hi", "and more"]) {
    await say(page, text);
    await page.getByText(echo(text)).waitFor();
    await idle(page);
  }
  assert.deepEqual(await answers(page), [echo("hi"), echo("and more")]);
  assert.deepEqual(await questions(page), ["hi", "and more"]);
  assert.equal(sockets.length, 1);
  for (const frames of counted(sockets)) {
    assert.deepEqual([frames[0].type, frames.at(-1).type], ["start", "end"]);
  }
  await settled(gw, chat, 2);
  assert.deepEqual((await stored(chat)).map(({ id }) => id), await ids(page));
  noErrors();
  await page.close();
});

test(`${RELOADS} reloads in mid-answer: exact text in one message`, { timeout }, async (t) => {
  const random = seeded(runSeed(t));
  const { chat, page, sockets } = await newPage("reload");
  await say(page, "/words 500 20");
  await wordsShown(page, 3);
  const [, id] = await ids(page);
  let shown = 3;
  for (let reload = 0; reload < RELOADS; reload += 1) {
    assert.ok(words(500).startsWith((await answers(page))[0].trim()));
    await page.reload();
    shown += 1 + Math.floor(random() * 30);
    await wordsShown(page, shown);
    assert.equal((await ids(page))[1], id, "it is the same message");
    assert.deepEqual(await boundaries(gw, chat), [], "still in the middle");
  }
  await idle(page);
  assert.deepEqual(await answers(page), [words(500)]);
  assert.deepEqual(await ids(page), (await stored(chat)).map((message) => message.id));
  assert.equal(counted(sockets, id).length, 1 + RELOADS);
  assert.equal(sentOf(sockets, "send").length, 1);
  assert.equal(sentOf(sockets, "resume").length, RELOADS);
  assert.equal((await boundaries(gw, chat)).length, 1);
  assert.equal((await records(gw, chat, "in")).length, 1);
  await page.reload();
  await page.getByText("word-500").waitFor();
  await eventually(() => sockets.at(-1).received.at(-1)?.type === "no-active");
  assert.deepEqual(await answers(page), [words(500)]);
  noErrors();
  await page.close();
});

test("an abort stops the turn, also one that was resumed, and no later one", { timeout },
  async () => {
    const { chat, page, sockets } = await newPage("abort");
    for (const round of [1, 2]) {
      await say(page, "/words 3000 20");
      await wordsShown(page, 5);
      if (round === 2) {
        await page.reload();
        await wordsShown(page, 10);
      }
      await press(page, "Stop");
      await idle(page);
      assert.equal((await settled(gw, chat, round)).length, round);
      assert.equal((await stopsOf(gw, chat)).length, round);
      assert.equal(sentOf(sockets, "abort").length, round);
    }
    await say(page, "next");
    await page.getByText(echo("next")).waitFor();
    await idle(page);
    await settled(gw, chat, 3);
    const kept = (await stored(chat)).filter(({ role }) => role === "assistant")
      .map(({ parts }) => parts.filter(({ type }) => type === "text").map((p) => p.text).join(""));
    assert.equal(kept.length, 3);
    for (const text of kept.slice(0, 2)) assert.ok(words(3000).startsWith(text.trim()));
    assert.ok(kept.slice(0, 2).every((text) => text.length < words(3000).length));
    assert.equal(kept[2], echo("next"));
    noErrors();
    await page.close();
  });
