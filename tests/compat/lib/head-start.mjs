// A customer's head-start route with a model of the test's own, and what is left on the wire of
// one that dies.

import assert from "node:assert/strict";
import { streamText, tool } from "ai";
import { MockLanguageModelV3 } from "ai/test";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { say } from "./chats.mjs";
import { chatServer } from "./sdk.mjs";
import { call } from "./wire.mjs";
import { upstream } from "./upstream.mjs";

/** What the route knows of the agent's tools: it can't run them. */
export const schemas = {
  weather: tool({ description: "The weather of a city.",
    inputSchema: z.object({ city: z.string() }) }),
  broken: tool({ description: "Always fails.", inputSchema: z.object({}) }),
  pause: tool({ description: "Waits for the test.", inputSchema: z.object({ key: z.string() }) }),
};

// ---- what step 1 does: async generators of the parts of a model's stream -----------------------

/** Says words, `ms` apart; `hold` is a promise to wait for before the last one. */
export const says = (text, { ms = 0, hold } = {}) => async function* (signal) {
  const words = text.split(/(?<= )/);
  yield { type: "text-start", id: "s" };
  for (const [at, delta] of words.entries()) {
    if (ms > 0) await sleep(ms);
    if (hold && at === words.length - 1) await either(hold, signal);
    yield { type: "text-delta", id: "s", delta };
  }
  yield { type: "text-end", id: "s" };
};

/** Says something and calls tools: `[name, input]` each. */
export const calls = (...some) => async function* () {
  yield* says("Let me see. ")();
  for (const [at, [toolName, input]] of some.entries()) {
    yield { type: "tool-call", toolCallId: `call-${at + 1}`, toolName,
      input: JSON.stringify(input) };
  }
};

/** Fails before its first token, as a provider that refuses does. */
export const refuses = () => async function* () {
  throw new Error("the provider refuses");
};

/** Fails after some words, as a provider's connection that breaks does. */
export const breaks = (text) => async function* () {
  yield { type: "text-start", id: "s" };
  yield { type: "text-delta", id: "s", delta: text };
  throw new Error("the provider is gone");
};

/** Says some words and then that there was an error, as providers that report it do. */
export const stumbles = (some) => async function* () {
  yield { type: "text-start", id: "s" };
  yield { type: "text-delta", id: "s", delta: some };
  yield { type: "error", error: new Error("the provider is overloaded") };
};

/** Says some words, then nothing more until it is aborted. */
export const hangs = (text) => (signal) =>
  says(`${text} never`, { hold: new Promise(() => undefined) })(signal);

function either(hold, signal) {
  const aborted = new Promise((_, failed) => {
    const stop = () => failed(new Error("aborted"));
    if (signal?.aborted) stop();
    signal?.addEventListener("abort", stop, { once: true });
  });
  return Promise.race([hold, aborted]);
}

/** A model that answers with `step`. What fails before its first part fails the request. */
export const speaking = (step) => new MockLanguageModelV3({
  doStream: async ({ abortSignal }) => {
    const parts = step(abortSignal);
    const first = await parts.next();
    return { stream: ReadableStream.from(play(first, parts)) };
  },
});

async function* play({ value: first }, parts) {
  yield { type: "stream-start", warnings: [] };
  let reason = "stop";
  for (let part = first; part !== undefined; part = (await parts.next()).value) {
    if (part.type === "tool-call") reason = "tool-calls";
    yield part;
  }
  yield { type: "finish", finishReason: { unified: reason, raw: reason }, usage: {
    inputTokens: { total: 10, noCache: 10, cacheRead: 0, cacheWrite: 0 },
    outputTokens: { total: 5, text: 5, reasoning: 0 } } };
}

// ---- the customer's server ---------------------------------------------------------------------

/** The `run` of a head start whose step 1 is `step`. */
export const runOf = (step) => async ({ chat }) => streamText({
  ...chat.toStreamTextOptions({ tools: schemas }), model: speaking(step), onError: () => {} });

/** A route handler of `chat.headStart`; the options are its own. */
export const handler = (agent, step, options = {}) => chatServer.headStart({
  agentId: agent, run: runOf(step), ...options });

/** Serves a route handler until the test is over. */
export async function serve(t, route) {
  const server = await upstream(route);
  t.after(server.close);
  return server;
}

/** Posts a first message to a route as the transport does. */
export const post = (url, chatId, messages, { signal, ...more } = {}) => fetch(url, {
  method: "POST", headers: { "content-type": "application/json" }, signal,
  body: JSON.stringify({ headStartMessages: messages.map((message) =>
    typeof message === "string" ? say(message) : message), chatId, trigger: "submit-message",
  ...more }) });

/** The chunks of a route's answer as they come; throws if its body breaks. */
export async function* chunksOf(answer) {
  assert.equal(answer.status, 200, answer.status === 200 ? "" : await answer.clone().text());
  let pending = "";
  for await (const text of answer.body.pipeThrough(new TextDecoderStream())) {
    const blocks = (pending + text).split("\n\n");
    pending = blocks.pop();
    for (const block of blocks) yield JSON.parse(block.replace(/^data: /, ""));
  }
}

/** Every chunk of a route's answer. */
export async function read(answer) {
  const chunks = [];
  for await (const chunk of chunksOf(answer)) chunks.push(chunk);
  return chunks;
}

// ---- what a handler sends, by hand -------------------------------------------------------------

/** Creates a session as a handler does, and boots the run that waits for the hand-over. */
export const prepare = (gw, { agent, chat, messages, idle = 60, ...more }) =>
  call(gw, "/api/v1/sessions", { json: { type: "chat.agent", externalId: chat,
    taskIdentifier: agent, triggerConfig: { basePayload: { headStartMessages: messages,
      ...more, chatId: chat, trigger: "handover-prepare", idleTimeoutInSeconds: idle },
    tags: [`chat:${chat}`], idleTimeoutInSeconds: idle } } });

/** Write credentials for `.out`, and `write(chunks)` that appends with them. */
export async function credentials(gw, chat) {
  const answer = await call(gw, `/realtime/v1/sessions/${encodeURIComponent(chat)}/out`,
    { method: "PUT" });
  assert.equal(answer.status, 202, await answer.clone().text());
  const given = (name) => answer.headers.get(`x-s2-${name}`);
  const url = `${given("endpoint")}/streams/${encodeURIComponent(given("stream-name"))}/records`;
  let count = 0;
  const records = (chunks) => chunks.map((data) =>
    ({ body: JSON.stringify({ data, id: `h${(count += 1)}` }) }));
  return { write: (chunks) => fetch(url, { method: "POST", headers: {
    authorization: `Bearer ${given("access-token")}`, "content-type": "application/json",
    "s2-basin": given("basin") }, body: JSON.stringify({ records: records(chunks) }) }) };
}

/** The chunks of a whole step 1 that only talks; without its end with `cut`. */
export const stepChunks = (messageId, text, { cut = false } = {}) => [
  { type: "start", messageId }, { type: "start-step" }, { type: "text-start", id: "s" },
  { type: "text-delta", id: "s", delta: text },
  ...(cut ? [] : [{ type: "text-end", id: "s" }, { type: "finish-step" },
    { type: "finish", finishReason: "stop" }]) ];

/** A hand-over record. */
export const handover = (messageId, content, isFinal) => ({ kind: "handover",
  partialAssistantMessage: content === undefined ? [] : [{ role: "assistant", content }],
  messageId, isFinal });

/** The content of a model message that is text. */
export const text = (some) => [{ type: "text", text: some }];
