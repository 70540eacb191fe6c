// I1 over the AI SDK binding: after a cut anywhere, the resumed message is the whole message.

import assert from "node:assert/strict";
import { after, test } from "node:test";
import { readUIMessageStream, parseJsonEventStream, uiMessageChunkSchema } from "ai";
import { gateway } from "../harness.mjs";
import { newChat, say } from "../lib/chats.mjs";
import { aiSdkAgent, streamed, upstream } from "../lib/upstream.mjs";
import { call, settled } from "../lib/wire.mjs";

// The upstream waits at a gate before its last chunk, so that a resume always finds it running.
const gates = new Map();
const route = await upstream(async (request) => {
  const { messages } = await request.json();
  const text = messages.at(-1).parts.at(-1).text;
  const [kind, gate] = text.split(" ");
  return streamed(held(ANSWERS[kind], gate));
});
const agents = aiSdkAgent("recorded", route.url);
const stores = { memory: await gateway({ agents }),
  disk: await gateway({ agents, store: "disk:" }) };
after(route.close);

async function* held(chunks, gate) {
  yield* chunks.slice(0, -1);
  await gates.get(gate).open;
  yield chunks.at(-1);
}

const text = (id, parts) => [{ type: "text-start", id },
  ...parts.map((delta) => ({ type: "text-delta", id, delta })), { type: "text-end", id }];
const start = (messageId) => [{ type: "start", messageId }, { type: "start-step" }];
const end = [{ type: "finish-step" }, { type: "finish" }];
const input = (toolCallId, toolName) => [
  { type: "tool-input-start", toolCallId, toolName },
  { type: "tool-input-delta", toolCallId, inputTextDelta: '{"q":' },
  { type: "tool-input-delta", toolCallId, inputTextDelta: '"x"}' },
  { type: "tool-input-available", toolCallId, toolName, input: { q: "x" } },
];

const ANSWERS = {
  text: [...start("m-text"), ...text("t", ["one ", "two ", "“drei” ", "🌊"]), ...end],
  reasoning: [...start("m-reason"), { type: "reasoning-start", id: "r" },
    { type: "reasoning-delta", id: "r", delta: "hm " }, { type: "reasoning-delta", id: "r",
      delta: "so" }, { type: "reasoning-end", id: "r" }, ...text("t", ["there", "fore"]), ...end],
  tools: [...start("m-tools"), ...input("c1", "search"),
    { type: "tool-output-available", toolCallId: "c1", output: { hits: [1, 2] } },
    { type: "finish-step" }, { type: "start-step" }, ...input("c2", "search"),
    { type: "tool-output-error", toolCallId: "c2", errorText: "gone" },
    ...text("t", ["found ", "two"]), ...end],
  approvals: [...start("m-approve"), ...text("t", ["may I?"]), ...input("c1", "ship"),
    { type: "tool-approval-request", approvalId: "a1", toolCallId: "c1" }, ...end],
  data: [...start("m-data"), { type: "data-plot", id: "p", data: { at: 1 } },
    { type: "data-plot", id: "p", data: { at: 2 } }, { type: "source-url", sourceId: "s",
      url: "https://example.com/" }, { type: "message-metadata", messageMetadata: { a: 1 } },
    ...text("t", ["done"]), ...end],
  errors: [...start("m-error"), ...text("t", ["so far "]),
    { type: "error", errorText: "the pump is broken" }],
};

const RACES = 200;

for (const [store, gw] of Object.entries(stores)) {
  for (const [kind, chunks] of Object.entries(ANSWERS)) {
    const name = `I1 over the AI SDK binding, every cut, ${store}: ${kind}`;
    test(name, { timeout: 400_000 }, async () => {
      const whole = await straight(gw, kind);
      assert.ok(whole.message.parts.length > 0);
      for (let cut = 0; cut < chunks.length; cut += 1) {
        const resumed = await cutAndResumed(gw, kind, cut);
        assert.deepEqual(resumed, whole, `cut after ${cut} chunks`);
      }
    });
  }
  test(`I1 over the AI SDK binding, a resume races with the turn's start, ${store}`,
    { timeout: 400_000 }, async () => {
      const whole = await straight(gw, "data");
      for (let round = 0; round < RACES; round += 1) {
        assert.deepEqual(await cutAndResumed(gw, "data", 0), whole, `round ${round}`);
      }
    });
  const name = `I1 over the AI SDK binding, every cut, ${store}: stop`;
  test(name, { timeout: 400_000 }, () => stoppedAnywhere(gw));
}

async function stoppedAnywhere(gw) {
  for (let cut = 1; cut < 8; cut += 1) {
    const { id, sent, gate } = await begin(gw, "text");
    await take(sent, Math.min(cut, ANSWERS.text.length - 1));
    const stop = await call(gw, `/ai/recorded/chat/${id}/stop`, { method: "POST" });
    assert.ok(stop.ok);
    await settled(gw, id, 1);
    gate.release();
    const [, answer] = (await (await call(gw, `/api/v1/sessions/${id}/transcript?limit=9`)).json())
      .messages;
    const reader = await resume(gw, id);
    assert.equal(reader.status, 204, "a stopped turn does not run");
    assert.ok("one two “drei” 🌊".startsWith(textOf(answer)), textOf(answer));
  }
}

const textOf = (message) =>
  (message?.parts ?? []).filter(({ type }) => type === "text").map((part) => part.text).join("");

async function straight(gw, kind) {
  const { sent, gate } = await begin(gw, kind);
  gate.release();
  return reduce(sent.body);
}

async function cutAndResumed(gw, kind, cut) {
  const { id, sent, gate } = await begin(gw, kind);
  await take(sent, Math.min(cut, ANSWERS[kind].length - 1));
  const answer = await resume(gw, id);
  assert.equal(answer.status, 200, `resume while the turn runs: ${answer.status}`);
  gate.release();
  return reduce(answer.body);
}

async function begin(gw, kind) {
  const id = newChat("cut");
  let release;
  gates.set(id, { open: new Promise((open) => (release = open)) });
  const message = say(`${kind} ${id}`);
  const sent = await call(gw, "/ai/recorded/chat", { json: { id, messages: [message],
    trigger: "submit-message" } });
  assert.equal(sent.status, 200);
  return { id, sent, gate: { release } };
}

const resume = (gw, id) => call(gw, `/ai/recorded/chat/${id}/stream`);

/** Reads `count` events, then drops the connection. */
async function take(answer, count) {
  const reader = answer.body.getReader();
  const decoder = new TextDecoder();
  let seen = "";
  while (seen.split("\n\n").filter((event) => event.startsWith("data: ")).length < count) {
    const { value, done } = await reader.read();
    assert.ok(!done, `the answer ended: ${seen}`);
    seen += decoder.decode(value, { stream: true });
  }
  await reader.cancel();
}

/** The final message and the errors that a page would show. */
async function reduce(body) {
  const errors = [];
  const parsed = parseJsonEventStream({ stream: body, schema: uiMessageChunkSchema });
  const stream = parsed.pipeThrough(new TransformStream({
    transform(part, out) {
      assert.ok(part.success, String(part.error));
      if (part.value.type === "error") errors.push(part.value.errorText);
      out.enqueue(part.value);
    },
  }));
  let message;
  try {
    for await (const next of readUIMessageStream({ stream, onError: () => {} })) message = next;
  } catch (error) {
    errors.push(`thrown: ${error.message}`);
  }
  assert.ok(message, "the stream made no message");
  return { message: JSON.parse(JSON.stringify(message)), errors };
}
