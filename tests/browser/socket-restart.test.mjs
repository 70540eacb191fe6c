// The gateway is killed (kill -9) and started again while Chromium reads an answer over the
// unmodified `WebSocketChatTransport` of `ai` 7.

import assert from "node:assert/strict";
import { after, test } from "node:test";
import { launch } from "../compat/harness.mjs";
import { redis } from "../compat/lib/redis.mjs";
import { boundaries, call, eventually, records, settled } from "../compat/lib/wire.mjs";
import { SUITE_AGENTS, start } from "../native/lib/workers.mjs";
import { answers, echo, idle, newChat, say, words, wordsShown } from "./lib/page.mjs";
import { counted, ids, press, recorded, restartable, sentOf } from "./lib/sockets.mjs";
import { stage } from "./lib/stage.mjs";

const timeout = 300_000;
const single = await restartable();
const alone = await stage(single);

/** A page with a chat, and what goes over its sockets. */
async function pageOf({ context, open, pages }, chat, query = "") {
  let sockets;
  context.once("page", (page) => (sockets = recorded(page)));
  const page = await open(`${pages}/socket/${chat}${query}`);
  return { page, sockets };
}

const broken = (page) => page.locator('main[data-status="error"]').waitFor();
const textOf = async (gw, chat) => (await records(gw, chat))
  .map(({ data }) => (data?.type === "text-delta" ? data.delta : "")).join("");

for (const way of ["Resume", "reload"]) {
  const again = (page) => (way === "reload" ? page.reload() : press(page, way));

  test(`before a word was visible, then ${way}: the answer is made again, whole`, { timeout },
    async () => {
      const chat = newChat("unseen");
      const { page, sockets } = await pageOf(alone, chat);
      await say(page, "/wait 5000 hello");
      await eventually(() => sockets[0]?.received.some(({ type }) => type === "start"));
      await single.kill();
      await broken(page);
      await single.start();
      await again(page);
      await page.getByText(echo("hello")).waitFor();
      await idle(page);
      assert.deepEqual(await answers(page), [`That was worth the wait. ${echo("hello")}`]);
      counted(sockets, (await ids(page))[1]);
      assert.equal(sentOf(sockets, "send").length, 1);
      assert.equal((await boundaries(single, chat)).length, 1);
      assert.equal((await records(single, chat, "in")).length, 1);
      alone.noErrors();
      await page.close();
    });

  test(`one gateway in mid-answer, then ${way}: what was seen stays, and the chat goes on`,
    { timeout }, async () => {
      const chat = newChat("seen");
      const { page, sockets } = await pageOf(alone, chat);
      await say(page, "/words 400 20");
      await wordsShown(page, 20);
      await single.kill();
      await broken(page);
      const [[seen], [, id]] = [await answers(page), await ids(page)];
      await single.start();
      await again(page);
      // R-TRN-24: what a backend was within when its gateway died is closed, not told twice.
      await settled(single, chat, 1);
      const kept = await textOf(single, chat);
      assert.ok(kept.startsWith(seen), "what was shown was kept");
      assert.ok(words(400).startsWith(kept.trim()), "and nothing was lost or repeated");
      await page.reload();
      await page.getByText(kept.trim().split(" ").at(-1)).waitFor();
      assert.deepEqual([await answers(page), (await ids(page))[1]], [[kept], id]);
      counted(sockets, id);
      await press(page, "Again");
      await page.getByText("word-400").waitFor();
      await idle(page);
      assert.equal((await answers(page)).length, 1);
      assert.ok((await answers(page))[0].endsWith(words(400)), "made again, it is whole");
      alone.noErrors();
      await page.close();
    });
}

test("the gateway of the socket, not that of the agent: the answer goes on, exact", { timeout },
  async () => {
    const store = await redis();
    after(() => store.stop());
    const back = await launch({ store: store.url });
    after(() => back.stop());
    const front = await restartable({ store: store.url });
    const place = await stage(front);
    // The agent's worker is linked to the other gateway: that one holds the turn.
    const { agent, command } = SUITE_AGENTS.typescript;
    start(back, command);
    const chat = newChat("front");
    await eventually(async () => (await call(front, "/api/v1/sessions", { json: {
      type: "chat.agent", externalId: chat, taskIdentifier: agent,
      triggerConfig: { basePayload: { chatId: chat } } } })).ok, `agent ${agent}`);
    const { page, sockets } = await pageOf(place, chat, `?agent=${agent}`);
    const shows = (number) => page.waitForFunction((text) =>
      document.querySelector('[data-role="assistant"]')?.textContent.includes(text),
    ` ${number} `, { polling: 20 });
    await say(page, "count 3000");
    await shows(20);
    const [, id] = await ids(page);
    let seen = 20;
    for (const way of ["Resume", "reload"]) {
      await front.kill();
      await broken(page);
      seen = Number((await answers(page))[0].trim().split(" ").at(-1));
      await front.start();
      await (way === "reload" ? page.reload() : press(page, way));
      await shows(seen + 20);
      assert.deepEqual(await boundaries(back, chat), [], "still in the middle");
      assert.equal((await ids(page))[1], id, "it is the same message");
    }
    await shows(3000);
    await idle(page);
    const whole = Array.from({ length: 3000 }, (_, at) => `${at + 1} `).join("");
    assert.deepEqual(await answers(page), [whole]);
    counted(sockets, id);
    assert.equal(sentOf(sockets, "send").length, 1);
    assert.equal(sentOf(sockets, "resume").length, 2);
    assert.equal((await boundaries(back, chat)).length, 1);
    place.noErrors();
    await page.close();
  });
