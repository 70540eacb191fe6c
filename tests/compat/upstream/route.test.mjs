// An existing `/api/chat` route, written with the real `ai`, behind the `ai_sdk` backend.

import assert from "node:assert/strict";
import { after, test } from "node:test";
import {
  convertToModelMessages, createUIMessageStream, createUIMessageStreamResponse, streamText,
} from "ai";
import { MockLanguageModelV3, simulateReadableStream } from "ai/test";
import { gateway } from "../harness.mjs";
import { lastText, page, VERSIONS } from "../lib/ai.mjs";
import { all, ask, newChat, newTransport, send, textOf } from "../lib/chats.mjs";
import { configure } from "../lib/sdk.mjs";
import { aiSdkAgent, upstream } from "../lib/upstream.mjs";
import { boundaries } from "../lib/wire.mjs";

/** A model that counts the messages of its prompt, word by word. */
const model = new MockLanguageModelV3({
  doStream: async ({ prompt }) => ({ stream: simulateReadableStream({ chunkDelayInMs: 1, chunks: [
    { type: "stream-start", warnings: [] },
    { type: "text-start", id: "1" },
    ...`I was sent ${prompt.length} messages.`.split(/(?<= )/).map((delta) =>
      ({ type: "text-delta", id: "1", delta })),
    { type: "text-end", id: "1" },
    { type: "finish", finishReason: { unified: "stop", raw: "stop" }, usage: {
      inputTokens: { total: 1, noCache: 1, cacheRead: 0, cacheWrite: 0 },
      outputTokens: { total: 1, text: 1, reasoning: 0 } } },
  ] }) }),
});

const route = await upstream(async (request) => {
  const { messages } = await request.json();
  const result = streamText({ model, messages: await convertToModelMessages(messages),
    abortSignal: request.signal });
  return result.toUIMessageStreamResponse();
});
const custom = await upstream(async () => createUIMessageStreamResponse({
  stream: createUIMessageStream({ execute: ({ writer }) => {
    writer.write({ type: "data-status", id: "s", data: { done: false } });
    writer.write({ type: "text-start", id: "t" });
    writer.write({ type: "text-delta", id: "t", delta: "by hand" });
    writer.write({ type: "text-end", id: "t" });
    writer.write({ type: "data-status", id: "s", data: { done: true } });
  } }),
}));
const gw = await gateway({ agents: aiSdkAgent("route", route.url,
  'headers = { x-team = "tides" }') + aiSdkAgent("custom", custom.url) });
after(async () => {
  await route.close();
  await custom.close();
});
configure({ baseURL: gw.url, secretKey: gw.key });

test("a streamText route works unchanged behind TriggerChatTransport", async () => {
  const chat = newChat();
  const { transport } = newTransport(gw, { agent: "route" });
  assert.equal(textOf(await ask(transport, chat, "one")), "I was sent 1 messages.");
  assert.equal(textOf(await ask(transport, chat, "two")), "I was sent 3 messages.");
  const { body, headers } = route.posted.at(-1);
  assert.equal(body.id, chat);
  assert.equal(body.trigger, "submit-message");
  assert.deepEqual(body.messages.map(({ role }) => role), ["user", "assistant", "user"]);
  assert.equal(headers["x-team"], "tides");
  const again = await all(await transport.sendMessages({ trigger: "regenerate-message",
    chatId: chat, messageId: undefined, messages: [], abortSignal: undefined }));
  assert.equal(textOf(again), "I was sent 3 messages.");
  assert.equal(route.posted.at(-1).body.trigger, "regenerate-message");
  assert.equal((await boundaries(gw, chat)).length, 3);
});

test("body keys and metadata pass through to the route", async () => {
  const { transport } = newTransport(gw, { agent: "route", clientData: { userId: "u" } });
  await ask(transport, newChat(), "one", { body: { extra: { a: 1 } }, metadata: { model: "m" } });
  const { body } = route.posted.at(-1);
  assert.deepEqual(body.extra, { a: 1 });
  assert.deepEqual(body.metadata, { userId: "u", model: "m" });
});

for (const [major, ai] of Object.entries(VERSIONS)) {
  test(`ai ${major}: useChat over the AI SDK binding in front of the route`, async () => {
    const { chat } = page(gw, ai, { agent: "route" });
    await chat.sendMessage({ text: "one" });
    assert.equal(lastText(chat), "I was sent 1 messages.", `${chat.error}`);
    await chat.sendMessage({ text: "two" });
    assert.equal(lastText(chat), "I was sent 3 messages.");
  });
}

test("a createUIMessageStreamResponse route without start or ids works", async () => {
  const { transport } = newTransport(gw, { agent: "custom" });
  const chunks = await ask(transport, newChat(), "hi");
  assert.equal(textOf(chunks), "by hand");
  assert.deepEqual(chunks.filter(({ type }) => type === "data-status").map(({ data }) => data.done),
    [false, true]);
  const { chat } = page(gw, VERSIONS[6], { agent: "custom" });
  await chat.sendMessage({ text: "hi" });
  assert.equal(chat.messages.length, 2);
});

test("a route whose model fails gives one error", async () => {
  const { transport } = newTransport(gw, { agent: "route" });
  const chat = newChat();
  const stream = await send(transport, chat, { id: "u", role: "user",
    parts: [{ type: "file", mediaType: "nonsense", url: "nonsense:" }] });
  const chunks = await all(stream).catch((error) => [{ type: "error", errorText: error.message }]);
  assert.ok(chunks.filter(({ type }) => type === "error").length === 1, JSON.stringify(chunks));
  assert.equal((await boundaries(gw, chat)).length, 1);
});
