// I5: a stop reaches the upstream's socket, from any connection; a closed tab stops nothing.

import assert from "node:assert/strict";
import { after, test } from "node:test";
import { gateway } from "../harness.mjs";
import { page, streaming, VERSIONS } from "../lib/ai.mjs";
import {
  all, deltas, mint, newChat, newTransport, readUntil, rest, say, send, textOf,
} from "../lib/chats.mjs";
import { configure } from "../lib/sdk.mjs";
import { aiSdkAgent, streamed, upstream } from "../lib/upstream.mjs";
import { boundaries, call, eventually, settled } from "../lib/wire.mjs";

const never = new Promise(() => {});
/** `silent` never answers; `endless` never ends; `short` ends by itself. */
const route = await upstream(async (request, entry) => {
  const { messages } = await request.clone().json();
  const text = messages.at(-1).parts.at(-1).text;
  entry.kind = text;
  if (text === "silent") return never;
  return streamed(talk(text === "endless" ? Infinity : 40));
});

async function* talk(count) {
  yield { type: "start", messageId: `m-${Math.random()}` };
  yield { type: "text-start", id: "t" };
  for (let i = 1; i <= count; i += 1) {
    yield { type: "text-delta", id: "t", delta: `word-${i} ` };
    await new Promise((done) => setTimeout(done, 20));
  }
  yield { type: "text-end", id: "t" };
  yield { type: "finish" };
}

const gw = await gateway({ agents: aiSdkAgent("route", route.url) });
after(route.close);
configure({ baseURL: gw.url, secretKey: gw.key });

/** Stops and reports how long the upstream's socket took to close. */
async function measured(t, name, entry, stop) {
  const began = process.hrtime.bigint();
  await stop();
  const closed = await entry.cut;
  const ms = Number(closed - began) / 1e6;
  t.diagnostic(`stop reached the upstream socket after ${ms.toFixed(1)} ms (${name})`);
}

const posted = (count) => eventually(() => route.posted.length > count && route.posted.at(-1),
  "the call to the upstream");

test("stopGeneration closes the upstream's socket mid-stream", async (t) => {
  const chat = newChat();
  const { transport } = newTransport(gw, { agent: "route" });
  const stream = await send(transport, chat, "endless");
  const { reader } = await readUntil(stream, (read) => deltas(read) >= 3);
  await measured(t, "mid-stream", route.posted.at(-1), () => transport.stopGeneration(chat));
  await rest(reader);
  assert.equal((await settled(gw, chat, 1)).length, 1);
});

test("a stop before the first byte closes the upstream's socket", async (t) => {
  const chat = newChat();
  const { transport } = newTransport(gw, { agent: "route" });
  const before = route.posted.length;
  const stream = await send(transport, chat, "silent");
  const entry = await posted(before);
  await measured(t, "before the first byte", entry, () => transport.stopGeneration(chat));
  await all(stream);
  assert.equal((await settled(gw, chat, 1)).length, 1);
});

test("a stop from another connection, with no reader anywhere", async (t) => {
  const chat = newChat();
  const { transport } = newTransport(gw, { agent: "route" });
  await transport.start(chat);
  const before = route.posted.length;
  const bearer = await mint(chat);
  const append = (json) => call(gw, `/realtime/v1/sessions/${chat}/in/append`, { bearer, json });
  await append({ kind: "message", payload: { chatId: chat, trigger: "submit-message",
    message: say("endless") } });
  const entry = await posted(before);
  await measured(t, "another connection", entry, () => append({ kind: "stop" }));
  assert.equal((await settled(gw, chat, 1)).length, 1);
});

test("the stop route of the AI SDK binding closes the upstream's socket", async (t) => {
  const { chat, id } = page(gw, VERSIONS[6], { agent: "route" });
  const sending = chat.sendMessage({ text: "endless" });
  await streaming(chat);
  await measured(t, "AI SDK stop route", route.posted.at(-1), () =>
    call(gw, `/ai/route/chat/${id}/stop`, { method: "POST" }));
  await sending;
  assert.equal((await settled(gw, id, 1)).length, 1);
});

test("a stop hits only the turn that runs: queued messages still run", async () => {
  const chat = newChat();
  const { transport } = newTransport(gw, { agent: "route" });
  const stream = await send(transport, chat, "endless");
  const { reader } = await readUntil(stream, (read) => deltas(read) >= 3);
  await transport.sendPendingMessage(chat, say("short"));
  await transport.stopGeneration(chat);
  await rest(reader);
  await settled(gw, chat, 2);
  assert.equal(route.posted.at(-1).kind, "short");
  assert.equal(route.posted.at(-1).closed, undefined);
});

test("closing the tab stops nothing", async () => {
  const chat = newChat();
  const { transport } = newTransport(gw, { agent: "route" });
  const stream = await send(transport, chat, "short");
  const { reader } = await readUntil(stream, (read) => deltas(read) >= 3);
  await reader.cancel();
  await settled(gw, chat, 1);
  assert.equal(route.posted.at(-1).closed, undefined, "the upstream was read to its end");
  const late = newTransport(gw, { agent: "route", sessions: { [chat]: {
    publicAccessToken: await mint(chat), isStreaming: true } } });
  const replay = await all(await late.transport.reconnectToStream({ chatId: chat }));
  assert.equal(textOf(replay), Array.from({ length: 40 }, (_, i) => `word-${i + 1} `).join(""));
  assert.equal((await boundaries(gw, chat)).length, 1);
});
