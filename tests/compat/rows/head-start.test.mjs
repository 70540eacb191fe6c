// Rows 32 and 41–46: a customer's server speaks first, and an unmodified `chat.agent` takes over.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { once } from "node:events";
import { after } from "node:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gateway } from "../harness.mjs";
import { startHost } from "../agents/lib/host.mjs";
import { all, ask, mint, newChat, newTransport, say, textOf } from "../lib/chats.mjs";
import {
  calls, handler, post, read, runOf, says, serve, speaking,
} from "../lib/head-start.mjs";
import { row } from "../lib/row.mjs";
import { chatServer, configure } from "../lib/sdk.mjs";
import { call, records, settled } from "../lib/wire.mjs";
import { streamText } from "ai";

const notes = await mkdtemp(join(tmpdir(), "tidegate-head-start-"));
const hosts = [];
after(async () => {
  for (const host of hosts) await host.stop();
  await rm(notes, { recursive: true, force: true });
});
const gw = await gateway();
configure({ baseURL: gw.url, secretKey: gw.key });
hosts.push(await startHost(gw, ["headstart"], { notes }));
hosts.push(await startHost(gw, ["../pinned/headstart"], { notes }));

// The oldest SDK takes the place behind its last record for the record, so it reads on behind the
// boundary that follows, and waits for another one.
const NA45 = "a cursor of its own writes that is right";
const HELLO = "Hello from the warm server.";
const WEATHER = '/tool weather {"city":"Rome"}';
const GIVEN = 'weather gave {"city":"Rome","celsius":12}';

const kindsIn = async (chat) =>
  (await records(gw, chat, "in")).map(({ data }) => JSON.parse(data).kind);
const roles = async (chat) => {
  const page = await call(gw, `/api/v1/sessions/${chat}/transcript?limit=50`);
  return (await page.json()).messages.map(({ role }) => role);
};

/** What a page gets that goes through a route: step 1, and then the agent's boundary and cursor. */
async function whole(chat, answer) {
  assert.equal(answer.headers.get("x-trigger-chat-id"), chat);
  assert.ok(answer.headers.get("x-trigger-chat-access-token"));
  const chunks = await read(answer);
  assert.deepEqual(chunks.slice(-2).map(({ type }) => type),
    ["trigger:turn-complete", "trigger:session-state"]);
  const [boundary, ...more] = await settled(gw, chat, 1);
  assert.deepEqual([more.length, String(boundary.seq)], [0, chunks.at(-1).lastEventId]);
  return chunks;
}

async function wholeText(chat, answer) {
  const chunks = await whole(chat, answer);
  assert.equal(textOf(chunks), HELLO);
  assert.equal(chunks.filter(({ type }) => type === "finish").length, 1, "the agent adds nothing");
  assert.deepEqual(await kindsIn(chat), ["handover"]);
  assert.deepEqual(await roles(chat), ["user", "assistant"]);
}

row(32, { na45: NA45 }, async (t) => {
  const chat = newChat();
  const server = await serve(t, handler("starter", says(HELLO)));
  const { transport, calls: made, wire } = newTransport(gw,
    { agent: "starter", headStart: server.url, accessToken: () => mint(chat) });
  const chunks = await ask(transport, chat, "hi");
  assert.equal(textOf(chunks), HELLO);
  assert.ok(chunks.every(({ type }) => !type.startsWith("trigger:")), "the page is not told");
  assert.equal(wire.requests.length, 0, "the page asked the customer's server only");
  const { lastEventId, isStreaming } = transport.getSession(chat);
  const [{ seq }] = await settled(gw, chat, 1);
  assert.deepEqual([lastEventId, isStreaming], [String(seq), false]);
  assert.equal(textOf(await ask(transport, chat, "again")), "heard hi | again");
  assert.equal(server.posted.length, 1, "later messages go to the gateway");
  assert.equal(made.startSession, 0);
  assert.equal((await settled(gw, chat, 2)).length, 2);
  assert.deepEqual(await kindsIn(chat), ["handover", "message"]);
});

row(41, { na45: NA45 }, async (t) => {
  const chat = newChat();
  const server = await serve(t, handler("starter", says(HELLO)));
  await wholeText(chat, await post(server.url, chat, ["hi"]));
});

row(42, {}, async (t) => {
  const chat = newChat();
  const server = await serve(t, handler("pinned", calls(["weather", { city: "Rome" }])));
  const chunks = await whole(chat, await post(server.url, chat, [WEATHER]));
  const stored = (await records(gw, chat)).map(({ data }) => data).filter(Boolean);
  const starts = stored.filter(({ type }) => type === "start").map(({ messageId }) => messageId);
  assert.deepEqual([starts.length, new Set(starts).size], [2, 1], "both steps are one message");
  const outputs = stored.filter(({ type }) => type === "tool-output-available");
  assert.deepEqual(outputs.map(({ output }) => output), [{ city: "Rome", celsius: 12 }]);
  assert.equal(textOf(stored), `Let me see. ${GIVEN} after ${WEATHER}`);
  assert.ok(textOf(chunks).endsWith(` after ${WEATHER}`));
  assert.deepEqual(await roles(chat), ["user", "assistant"]);
});

// Thrown before there is a stream: the oldest SDK ends its process when a write of its own is
// refused, as one is that comes after the skip.
row(43, {}, async () => {
  const chat = newChat();
  const { completion } = await chatServer.startHeadStart({ agentId: "starter", chatId: chat,
    messages: [say("hi")], run: async () => {
      throw new Error("no model for you");
    } });
  await assert.rejects(completion, /no model for you/);
  assert.deepEqual(await kindsIn(chat), ["handover-skip"]);
  assert.equal((await settled(gw, chat, 1)).length, 1, "nothing is left open");
});

row(44, {}, async () => {
  const chat = newChat();
  const started = await chatServer.startHeadStart({ agentId: "starter", chatId: chat,
    messages: [say("hi")], run: runOf(says(HELLO)) });
  assert.equal(started.chatId, chat);
  await started.completion;
  assert.deepEqual(await kindsIn(chat), ["handover"]);
  await settled(gw, chat, 1);
  const session = { publicAccessToken: await mint(chat) };
  const { transport } = newTransport(gw, { agent: "starter", sessions: { [chat]: session } });
  const chunks = await all(await transport.reconnectToStream({ chatId: chat }));
  assert.equal(textOf(chunks), HELLO, "the page that comes later sees the whole turn");
  assert.equal(chunks[0].type, "start");
});

row(45, { na45: NA45 }, async (t) => {
  const chat = newChat();
  const server = await serve(t, async (req) => {
    const messages = [{ role: "user", content: "hi" }];
    const session = await chatServer.openSession({ req, agentId: "starter" });
    assert.equal(session.chatId, chat);
    return session.handoverResponse(streamText({ model: speaking(says(HELLO)), messages }));
  });
  await wholeText(chat, await post(server.url, chat, ["hi"]));
});

row(46, { na45: NA45 }, async (t) => {
  const chat = newChat();
  const listener = chatServer.toNodeListener(handler("starter", says(HELLO)));
  const server = createServer(listener).listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  const url = `http://127.0.0.1:${server.address().port}/api/chat`;
  await wholeText(chat, await post(url, chat, ["hi"]));
});
