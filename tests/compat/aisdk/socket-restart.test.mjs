// The gateway is killed, or drained, while `useChat` reads over `WebSocketChatTransport` of ai 7.

import assert from "node:assert/strict";
import { test } from "node:test";
import { lastText, messageText, streaming } from "../lib/ai.mjs";
import { echo, newChat, words } from "../lib/chats.mjs";
import { restartable } from "../lib/restartable.mjs";
import { newTransport, rawSocket, sendFrame, socketPage } from "../lib/sockets.mjs";
import { boundaries, records } from "../lib/wire.mjs";

const timeout = 240_000;

test("kill -9 before anything was visible: the page resumes the answer that is run again",
  { timeout }, async (t) => {
    const place = await restartable(t);
    const { transport, wire } = newTransport(place.gw, { agent: "steady" });
    const { chat, id } = socketPage(place.gw, { transport });
    const sending = chat.sendMessage({ text: "/wait 5000 hello" });
    while (!wire.received.some(({ type }) => type === "start")) {
      await new Promise((done) => setTimeout(done, 5));
    }
    await place.restart("SIGKILL");
    await sending;
    assert.equal(chat.status, "error", "the socket broke");
    await chat.resumeStream();
    assert.equal(lastText(chat), `That was worth the wait. ${echo("hello")}`);
    assert.equal(wire.sockets.length, 2);
    assert.equal((await boundaries(place.gw, id)).length, 1);
    assert.equal((await records(place.gw, id, "in")).length, 1);
    transport.close();
  });

test("kill -9 in the middle of an answer: nothing is lost or twice, and the chat goes on",
  { timeout }, async (t) => {
    const place = await restartable(t);
    const { transport, wire } = newTransport(place.gw, { agent: "steady" });
    const { chat, id } = socketPage(place.gw, { transport });
    const sending = chat.sendMessage({ text: "/words 400 20" });
    await streaming(chat, 60);
    await place.restart("SIGKILL");
    await sending;
    const seen = messageText(chat.messages.at(-1));
    const before = wire.received.filter(({ type }) => type === "chunk").map(({ chunk }) => chunk);
    // Closed as interrupted, by the time it is asked or a moment later.
    await chat.resumeStream();
    const log = (await records(place.gw, id)).map(({ data }) => data)
      .filter((data) => data !== null);
    assert.deepEqual(before, log.slice(0, before.length), "what was read is the log");
    assert.ok(words(400).startsWith(seen));
    assert.equal((await boundaries(place.gw, id)).length, 1);
    await chat.regenerate();
    assert.ok(lastText(chat).endsWith(words(400)), "regenerating gives the whole answer");
    await chat.sendMessage({ text: "next" });
    assert.equal(lastText(chat), echo("next"));
    transport.close();
  });

test("SIGTERM lets a short answer finish, then closes the socket with 1001", { timeout },
  async (t) => {
    const place = await restartable(t, { drain: "30s" });
    const { transport, wire } = newTransport(place.gw, { agent: "steady" });
    const { chat } = socketPage(place.gw, { transport });
    const idle = await rawSocket(place.gw, { agent: "steady" });
    const sending = chat.sendMessage({ text: "/words 100 20" });
    await streaming(chat);
    const restarting = place.restart("SIGTERM");
    assert.equal((await idle.closed).code, 1001);
    await sending;
    assert.equal(lastText(chat), words(100), String(chat.error));
    assert.equal((await restarting).code, 0);
    await chat.sendMessage({ text: "next" });
    assert.equal(lastText(chat), echo("next"));
    assert.equal(wire.sockets.length, 2);
    transport.close();
  });

test("a ticket that was used before a restart is used after it", { timeout }, async (t) => {
  const place = await restartable(t);
  const answer = await fetch(`${place.gw.url}/v1/tickets`, { method: "POST",
    headers: { authorization: `Bearer ${place.gw.key}` } });
  const query = `?ticket=${(await answer.json()).ticket}`;
  const raw = await rawSocket(place.gw, { bearer: null, query });
  raw.say(sendFrame("a", newChat("ws"), "hi"));
  assert.equal((await raw.last("a")).at(-1).type, "end");
  await place.restart("SIGKILL");
  await assert.rejects(rawSocket(place.gw, { bearer: null, query }), /401/);
});
