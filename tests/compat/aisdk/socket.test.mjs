// `useChat` with the unmodified `WebSocketChatTransport` of ai 7.

import assert from "node:assert/strict";
import { test } from "node:test";
import { gateway } from "../harness.mjs";
import { lastText, messageText, plain, streaming } from "../lib/ai.mjs";
import { echo, mint, newChat, words } from "../lib/chats.mjs";
import { configure } from "../lib/sdk.mjs";
import { newTransport, sequencesOf, socketPage, stopsOf, ticket } from "../lib/sockets.mjs";
import { boundaries, call, eventually, settled } from "../lib/wire.mjs";

const gw = await gateway();
configure({ baseURL: gw.url, secretKey: gw.key });

const timeout = 120_000;
const stored = async (id) => {
  const answer = await call(gw, `/api/v1/sessions/${id}/transcript?limit=50`);
  return (await answer.json()).messages;
};
const counted = (frames) => {
  const sequences = sequencesOf(frames);
  assert.deepEqual(sequences, sequences.map((_, index) => index), "from 0, without gaps");
};

test("sends and streams answers over one socket", { timeout }, async () => {
  const { transport, wire } = newTransport(gw);
  const { chat, id } = socketPage(gw, { transport });
  for (const text of ["hi", "and", "again"]) {
    await chat.sendMessage({ text });
    assert.equal(chat.status, "ready", String(chat.error));
    assert.equal(lastText(chat), echo(text));
  }
  assert.equal(wire.sockets.length, 1);
  assert.equal(new Set(wire.sent.map(({ requestId }) => requestId)).size, 3);
  for (const { requestId } of wire.sent) {
    const frames = wire.received.filter((frame) => frame.requestId === requestId);
    counted(frames);
    assert.deepEqual([frames[0].type, frames.at(-1).type], ["start", "end"]);
  }
  await settled(gw, id, 3);
  assert.deepEqual((await stored(id)).map(messageText), chat.messages.map(messageText));
  transport.close();
});

test("two chats at once on one socket", { timeout }, async () => {
  const { transport, wire } = newTransport(gw, { agent: "steady" });
  const first = socketPage(gw, { transport });
  const second = socketPage(gw, { transport });
  const sending = [first.chat.sendMessage({ text: "/words 60 20" }),
    second.chat.sendMessage({ text: "/words 40 20" })];
  await Promise.all([streaming(first.chat), streaming(second.chat)]);
  await Promise.all(sending);
  assert.deepEqual([lastText(first.chat), lastText(second.chat)], [words(60), words(40)]);
  assert.equal(wire.sockets.length, 1);
  const mixed = wire.received.filter(({ type }) => type === "chunk")
    .map(({ requestId }) => requestId);
  assert.ok(mixed.indexOf(mixed.at(-1)) < mixed.lastIndexOf(mixed[0]), "they come side by side");
  transport.close();
});

test("resumes a running answer after a reload, and gets null when nothing runs", { timeout },
  async () => {
    const { transport } = newTransport(gw, { agent: "steady" });
    const first = socketPage(gw, { transport });
    const sending = first.chat.sendMessage({ text: "/words 200 20" });
    await streaming(first.chat);
    const again = newTransport(gw, { agent: "steady" });
    // The page had a part of the answer when it was reloaded: the replay takes its place.
    const reloaded = socketPage(gw, { transport: again.transport, id: first.id,
      messages: plain(first.chat.messages) });
    await reloaded.chat.resumeStream();
    assert.equal(lastText(reloaded.chat), words(200), String(reloaded.chat.error));
    counted(again.wire.received);
    await sending;
    assert.deepEqual(plain(reloaded.chat.messages), plain(first.chat.messages));
    await reloaded.chat.resumeStream();
    assert.equal(again.wire.received.at(-1).type, "no-active");
    const unknown = socketPage(gw, { transport: again.transport });
    await unknown.chat.resumeStream();
    assert.equal(unknown.chat.status, "ready");
    transport.close();
    again.transport.close();
  });

test("a cut socket in mid-answer stops nothing, and the chat resumes on another", { timeout },
  async () => {
    const { transport, wire } = newTransport(gw, { agent: "steady" });
    const { chat, id } = socketPage(gw, { transport });
    const sending = chat.sendMessage({ text: "/words 150 20" });
    await streaming(chat);
    wire.sockets[0].terminate();
    await sending;
    assert.equal(chat.status, "error");
    await chat.resumeStream();
    assert.equal(lastText(chat), words(150));
    assert.equal(chat.messages.length, 2, "the partial message was replaced");
    assert.equal(wire.sockets.length, 2);
    assert.equal((await boundaries(gw, id)).length, 1);
    transport.close();
  });

test("stop() of useChat is a stop: of an answer that was sent for, and of a resumed one",
  { timeout }, async () => {
    const { transport, wire } = newTransport(gw, { agent: "steady" });
    const { chat, id } = socketPage(gw, { transport });
    const sending = chat.sendMessage({ text: "/words 3000 20" });
    await streaming(chat);
    await chat.stop();
    await sending;
    await settled(gw, id, 1);
    assert.ok(messageText((await stored(id)).at(-1)).length < words(3000).length);
    await chat.sendMessage({ text: "next" });
    assert.equal(lastText(chat), echo("next"), "the stop hit no later turn");

    const running = chat.sendMessage({ text: "/words 3000 20" });
    await eventually(() => wire.received.at(-1).sequence > 10 &&
      wire.received.at(-1).requestId === wire.sent.at(-1).requestId);
    wire.sockets[0].terminate();
    await running;
    const again = newTransport(gw, { agent: "steady" });
    const reloaded = socketPage(gw, { transport: again.transport, id,
      messages: plain(chat.messages) });
    const resuming = reloaded.chat.resumeStream();
    await streaming(reloaded.chat);
    await eventually(() => again.wire.received.some(({ type }) => type === "chunk"));
    await reloaded.chat.stop();
    await resuming;
    await settled(gw, id, 3);
    assert.equal((await stopsOf(gw, id)).length, 2);
    transport.close();
    again.transport.close();
  });

test("stop and a new message at once: the stop hits the turn before it", { timeout }, async () => {
  const { transport } = newTransport(gw, { agent: "steady" });
  for (let round = 0; round < 20; round += 1) {
    const { chat, id } = socketPage(gw, { transport });
    const sending = chat.sendMessage({ text: "/words 3000 20" });
    await streaming(chat, 5);
    await Promise.all([chat.stop(), sending]);
    await chat.sendMessage({ text: "next" });
    assert.equal(lastText(chat), echo("next"));
    assert.equal((await settled(gw, id, 2)).length, 2);
  }
  transport.close();
});

test("an agent with stop_on_disconnect stops when its socket is cut", { timeout }, async () => {
  const { transport, wire } = newTransport(gw, { agent: "touchy" });
  const { chat, id } = socketPage(gw, { transport });
  const sending = chat.sendMessage({ text: "/words 3000 20" });
  await streaming(chat);
  wire.sockets[0].terminate();
  await sending;
  await settled(gw, id, 1);
  assert.ok(messageText((await stored(id)).at(-1)).length < words(3000).length);
});

test("regenerates, and edits", { timeout }, async () => {
  const { transport } = newTransport(gw);
  const { chat, id } = socketPage(gw, { transport });
  for (const text of ["one", "two"]) await chat.sendMessage({ text });
  await chat.regenerate();
  assert.match(lastText(chat), /^Once more/);
  await chat.sendMessage({ text: "eins", messageId: chat.messages[0].id });
  assert.deepEqual(chat.messages.map(messageText), ["eins", echo("eins")]);
  await settled(gw, id, 4);
  assert.deepEqual((await stored(id)).map(messageText), chat.messages.map(messageText));
  transport.close();
});

test("credentials: in the frames, and by ticket as in a browser", { timeout }, async () => {
  const id = newChat("ws");
  const bearer = await mint(id);
  const own = newTransport(gw, { bearer });
  const page = socketPage(gw, { transport: own.transport, id });
  await page.chat.sendMessage({ text: "with a token" });
  assert.equal(lastText(page.chat), echo("with a token"), String(page.chat.error));
  const foreign = socketPage(gw, { transport: own.transport });
  await foreign.chat.sendMessage({ text: "x" });
  assert.equal(foreign.chat.status, "error");
  assert.match(foreign.chat.error.message, /does not reach/);
  // The page gets a ticket with its token whenever a socket is opened.
  const params = async () => ({ ticket: (await ticket(gw, { bearer })).ticket });
  const browser = newTransport(gw, { bearer: null, params });
  const ticketed = socketPage(gw, { transport: browser.transport, id,
    messages: plain(page.chat.messages) });
  await ticketed.chat.sendMessage({ text: "with a ticket" });
  assert.equal(lastText(ticketed.chat), echo("with a ticket"), String(ticketed.chat.error));
  browser.wire.sockets[0].terminate();
  await eventually(() => browser.wire.sockets[0].readyState === 3);
  await ticketed.chat.sendMessage({ text: "and another" });
  assert.equal(lastText(ticketed.chat), echo("and another"), String(ticketed.chat.error));
  own.transport.close();
  browser.transport.close();
});
