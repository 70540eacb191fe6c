// What an unmodified client sees when the gateway is killed, or drained, in the middle of a chat.

import assert from "node:assert/strict";
import { test } from "node:test";
import {
  all, ask, deltas, echo, newChat, newTransport, readUntil, rest, send, textOf, words,
} from "../lib/chats.mjs";
import { restartable } from "../lib/restartable.mjs";
import { configure } from "../lib/sdk.mjs";
import { boundaries, records } from "../lib/wire.mjs";

/** A gateway that can be started again, for the SDK. */
async function configured(t, more) {
  const place = await restartable(t, more);
  configure({ baseURL: place.gw.url, secretKey: place.gw.key });
  return place;
}

const chunksOf = (log) => log.map(({ data }) => data).filter((data) => data !== null);

test("kill -9 in the middle of an answer: closed as interrupted, then the chat goes on",
  { timeout: 240_000 }, async (t) => {
    const place = await configured(t);
    const chat = newChat("kill");
    const { transport } = newTransport(place.gw, { agent: "steady" });
    const stream = await send(transport, chat, "/words 400 20");
    const { chunks, reader } = await readUntil(stream, (read) => deltas(read) >= 20);
    await place.restart("SIGKILL");
    const whole = [...chunks, ...(await rest(reader))];
    assert.equal(whole.filter(({ type }) => type === "error").length, 1, "it says so, once");
    assert.ok(words(400).startsWith(textOf(whole).trim()), "nothing lost, nothing twice");
    assert.deepEqual(whole, chunksOf(await records(place.gw, chat)), "what was read is the log");
    assert.equal((await boundaries(place.gw, chat)).length, 1);
    const again = await all(await transport.sendMessages({ trigger: "regenerate-message",
      chatId: chat, messageId: undefined, messages: [], abortSignal: undefined }));
    assert.ok(textOf(again).endsWith(words(400)), "regenerating gives the whole answer");
    assert.equal(textOf(await ask(transport, chat, "next")), echo("next"));
  });

test("kill -9 before anything was visible: the turn is run again, unseen", { timeout: 240_000 },
  async (t) => {
    const place = await configured(t);
    const chat = newChat("kill");
    const { transport } = newTransport(place.gw, { agent: "steady" });
    const reading = all(await send(transport, chat, "/wait 5000 hello"));
    await place.restart("SIGKILL");
    const chunks = await reading;
    assert.equal(chunks.filter(({ type }) => type === "error").length, 0);
    assert.equal(textOf(chunks), `That was worth the wait. ${echo("hello")}`);
    assert.equal((await boundaries(place.gw, chat)).length, 1);
    assert.equal((await records(place.gw, chat, "in")).length, 1);
  });

test("SIGTERM lets a short answer finish, and the client reads on after the restart",
  { timeout: 240_000 }, async (t) => {
    const place = await configured(t, { drain: "30s" });
    const chat = newChat("drain");
    const { transport } = newTransport(place.gw, { agent: "steady" });
    const stream = await send(transport, chat, "/words 100 20");
    const { chunks, reader } = await readUntil(stream, (read) => deltas(read) >= 5);
    const { code } = await place.restart("SIGTERM");
    assert.equal(code, 0);
    const whole = [...chunks, ...(await rest(reader))];
    assert.equal(whole.filter(({ type }) => type === "error").length, 0);
    assert.equal(textOf(whole), words(100));
    assert.equal(textOf(await ask(transport, chat, "next")), echo("next"));
  });
