// Turns whose first step is made elsewhere, against a gateway that is scripted.

import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { test } from "node:test";
import { tool } from "ai";
import { z } from "zod";
import { agent, serve, TurnError } from "../../../dist/agent/index.js";
import { resolvers, scripted } from "../../../test/support/scripted.mjs";

const WELCOME = { t: "welcome", heartbeat_ms: 3000, lease_ms: 9000, resume_ms: 600,
  window_bytes: 1 << 20, frame_max_bytes: 1 << 20, work: [] };
const QUESTION = { id: "u1", role: "user", parts: [{ type: "text", text: "hi" }] };
const TURN = { t: "turn", id: "t_1", run: "r", session: "s", chat: "c", agent: "a", version: "1",
  turn: 1, attempt: 1, trigger: "submit-message", messages: [QUESTION], answer_id: "m1",
  continues: false, head_start: true, token: "" };

const text = (said) => ({ type: "text", text: said, state: "done" });
const asked = (name, toolCallId, input = {}) =>
  ({ type: `tool-${name}`, toolCallId, state: "input-available", input });
const answer = (...parts) => ({ id: "m1", role: "assistant", parts });
const available = (toolCallId, output) => ({ type: "tool-output-available", toolCallId, output });
const failed = (toolCallId, errorText) => ({ type: "tool-output-error", toolCallId, errorText });
const handover = (outcome, ...parts) =>
  ({ t: "handover", id: "t_1", outcome, ...(parts.length > 0 && { message: answer(...parts) }) });

/** Plays one head start. `frames` are what the gateway sends after the hooks. */
async function play(frames, options = {}) {
  const found = { chunks: [], turns: [], ends: [], log: [] };
  const [ready, over] = [resolvers(), resolvers()];
  const url = await scripted(async ({ next, send }) => {
    found.hello = await next();
    send(WELCOME);
    send(TURN);
    await ready.promise;
    // What is sent before its time would be here by now.
    await sleep(20);
    found.early = found.chunks.length;
    for (const frame of frames) send(frame);
    for (;;) {
      const frame = await next();
      if (frame.t === "bye") return;
      if (frame.t === "out") found.chunks.push(...frame.chunks);
      if (frame.t === "done") found.done = frame;
      send({ t: "ack", id: frame.id, seq: frame.seq });
    }
  });
  const worker = await serve([agent({
    id: "a",
    run(turn) {
      found.turns.push({ messages: structuredClone(turn.messages), continues: turn.continues });
      return "ran";
    },
    onTurnStart: () => ready.resolve(),
    onTurnComplete: (turn, outcome) => {
      found.ends.push(outcome.status);
      found.messages = structuredClone(turn.messages);
      over.resolve();
    },
    ...options,
    ...(options.started && { onTurnStart: (turn) => options.started(turn, ready) }),
  })], { url, key: "k", signals: false, log: (...said) => found.log.push(said.join(" ")) });
  await over.promise;
  await worker.close();
  return found;
}

const ran = (id = "text-1") => [{ type: "text-start", id },
  { type: "text-delta", id, delta: "ran" }, { type: "text-end", id }];

test("skip: the agent answers as if there had been none", async () => {
  const found = await play([handover("skip")]);
  assert.deepEqual(found.turns, [{ messages: [QUESTION], continues: false }]);
  assert.deepEqual(found.chunks, ran());
  assert.equal(found.hello.agents[0].handover, "calls");
});

test("final: no model is asked, and the hooks have the answer", async () => {
  const found = await play([handover("final", text("Hello."))]);
  assert.deepEqual([found.turns, found.chunks, found.ends], [[], [], ["done"]]);
  assert.deepEqual(found.messages, [QUESTION, answer(text("Hello."))]);
  assert.equal(found.done.error, undefined);
});

test("text: the message is continued", async () => {
  const found = await play([handover("text", text("Hello."))]);
  const messages = [QUESTION, answer(text("Hello."))];
  assert.deepEqual(found.turns, [{ messages, continues: true }]);
  assert.deepEqual(found.chunks, ran());
});

test("calls: they are executed at once, each end is written as it comes", async () => {
  const both = [resolvers(), resolvers()];
  const seen = [];
  const inputSchema = z.object({ city: z.string(), days: z.number().default(3) });
  const tools = {
    slow: tool({ inputSchema, execute: async ({ city, days }, call) => {
      seen.push([call.toolCallId, call.turn.chatId, call.abortSignal === call.signal]);
      seen.push(call.messages);
      both[0].resolve();
      await both[1].promise;
      await sleep(20);
      return { city, days };
    } }),
    quick: { execute: async () => {
      both[1].resolve();
      await both[0].promise;
    } },
    steps: { async *execute() {
      yield 1;
      yield 2;
    } },
  };
  const old = { ...asked("slow", "c0"), state: "input-available" };
  const parts = [{ type: "step-start" }, old, { type: "step-start" }, text("Let me see."),
    asked("slow", "c1", { city: "Rome" }), { ...asked("quick", "c2"), type: "dynamic-tool",
      toolName: "quick" }, asked("steps", "c3")];
  const found = await play([handover("calls", ...parts)], { tools });
  const ends = found.chunks.slice(0, -3);
  const steps = ends.filter(({ toolCallId }) => toolCallId === "c3");
  assert.deepEqual(steps, [{ ...available("c3", 1), preliminary: true },
    { ...available("c3", 2), preliminary: true }, available("c3", 2)]);
  assert.deepEqual(ends.filter(({ toolCallId }) => toolCallId !== "c3"),
    [{ ...available("c2", null), dynamic: true }, available("c1", { city: "Rome", days: 3 })]);
  assert.deepEqual(seen, [["c1", "c", true],
    [{ role: "user", content: [{ type: "text", text: "hi" }] }]]);
  const [{ messages, continues }] = found.turns;
  assert.ok(continues);
  assert.deepEqual(messages.at(-1).parts.map(({ state, output }) => [state, output]), [
    [undefined, undefined], ["input-available", undefined], [undefined, undefined],
    ["done", undefined], ["output-available", { city: "Rome", days: 3 }],
    ["output-available", null], ["output-available", 2]]);
  assert.deepEqual(found.chunks.slice(-3), ran());
});

test("calls that fail have ended, too: invalid, unknown, thrown", async () => {
  const inputSchema = { type: "object", required: ["city"] };
  const tools = {
    weather: { inputSchema, execute: () => "never" },
    says: { execute: () => { throw new TurnError("no such city"); } },
    breaks: { execute: () => Promise.reject(new Error("a secret")) },
    circular: { execute: () => { const a = {}; a.a = a; return a; } },
  };
  const names = ["weather", "toString", "says", "breaks", "circular"];
  const calls = names.map((name, index) => asked(name, `c${index}`));
  const found = await play([handover("calls", ...calls)], { tools });
  const texts = ['invalid input for tool "weather": input.city is missing',
    'this agent has no tool "toString"', "no such city", "The tool failed.", "The tool failed."];
  const ends = found.chunks.slice(0, -3).sort((a, b) => a.toolCallId.localeCompare(b.toolCallId));
  assert.deepEqual(ends, texts.map((errorText, index) => failed(`c${index}`, errorText)));
  const { parts } = found.turns[0].messages.at(-1);
  assert.deepEqual(parts.map(({ errorText }) => errorText), texts);
  assert.equal(found.log.length, 2);
  assert.match(found.log.join(), /tool breaks failed in turn t_1 of a Error: a secret/);
});

test("an approval is asked for after the others, and the turn ends", async () => {
  const done = [];
  const execute = ({ path }) => done.push(path);
  const tools = { remove: { execute, needsApproval: ({ path }) => path !== "/tmp" },
    always: { execute, needsApproval: true } };
  const found = await play([handover("calls", asked("remove", "c1", { path: "/" }),
    asked("remove", "c2", { path: "/tmp" }), asked("always", "c3"))], { tools });
  assert.deepEqual([found.turns, found.ends, done], [[], ["done"], ["/tmp"]]);
  const asks = found.chunks.filter(({ type }) => type === "tool-approval-request");
  assert.deepEqual(asks.map(({ toolCallId }) => toolCallId), ["c1", "c3"]);
  assert.deepEqual(found.chunks.filter((chunk) => !asks.includes(chunk)), [available("c2", 1)]);
  const { parts } = found.messages.at(-1);
  assert.deepEqual(parts.map(({ state, approval }) => [state, approval?.id]), [
    ["approval-requested", asks[0].approvalId], ["output-available", undefined],
    ["approval-requested", asks[1].approvalId]]);
  assert.deepEqual(found.hello.agents[0].tools.map((one) => one.needs_approval), [true, true]);
});

test("a tool without code runs in the client: its call is left, the turn ends", async () => {
  const tools = { map: { inputSchema: z.object({}) }, here: { execute: () => "here" } };
  const found = await play([handover("calls", asked("map", "c1"), asked("here", "c2"))], { tools });
  assert.deepEqual([found.turns, found.ends], [[], ["done"]]);
  assert.deepEqual(found.chunks, [available("c2", "here")]);
  assert.equal(found.messages.at(-1).parts[0].state, "input-available");
});

test("what is written before is held back, however much it is", async () => {
  const note = { type: "data-note", data: "x".repeat(200_000) };
  const started = async (turn, ready) => {
    for (let index = 0; index < 3; index += 1) {
      turn.write(note);
      await turn.room();
    }
    ready.resolve();
  };
  const found = await play([handover("skip")], { started });
  assert.equal(found.early, 0);
  assert.deepEqual(found.chunks, [note, note, note, ...ran()]);
});

test("a hand-over that is repeated, or that nobody waits for, changes nothing", async () => {
  let count = 0;
  const tools = { count: { execute: () => sleep(20, (count += 1)) } };
  const calls = handover("calls", asked("count", "c1"));
  const found = await play([calls, calls, handover("skip")], { tools });
  assert.equal(count, 1);
  assert.deepEqual(found.chunks, [available("c1", 1), ...ran()]);
});

test("a link that is cut while it waits goes on waiting", async () => {
  let connections = 0;
  const [first, over] = [resolvers(), resolvers()];
  const url = await scripted(async ({ socket, next, send }) => {
    const { work } = await next();
    connections += 1;
    send({ ...WELCOME, work: work.map(({ id }) => ({ id, held: true, acked: 0 })) });
    if (connections === 1) {
      send(TURN);
      await first.promise;
      return socket.terminate();
    }
    assert.deepEqual(work, [{ id: "t_1", acked: 0 }]);
    send(handover("text", text("Hello.")));
    for (let done = false; !done;) {
      const { t, id, seq } = await next();
      done = t === "done";
      send({ t: "ack", id, seq });
    }
  });
  const definition = agent({ id: "a", run: () => over.resolve(), onStart: () => first.resolve() });
  const worker = await serve([definition], { url, key: "k", signals: false });
  await over.promise;
  await worker.drain();
  assert.equal(connections, 2);
});

test("a hook that fails says so behind the step", async () => {
  const started = (turn, ready) => {
    ready.resolve();
    throw new TurnError("not today");
  };
  const found = await play([handover("final", text("Hello."))], { started });
  assert.deepEqual([found.turns, found.done.error, found.ends], [[], "not today", ["failed"]]);
});

test("a stop while it waits, and one under a tool that does not heed it", async () => {
  const stop = { t: "cancel", id: "t_1", reason: "stopped" };
  let signal;
  const started = (turn, ready) => ready.resolve(({ signal } = turn));
  const waiting = await play([stop], { started });
  assert.ok(signal.aborted);
  const tools = { hangs: { execute: () => new Promise(() => undefined) } };
  const calling = await play([handover("calls", asked("hangs", "c1")), stop], { tools });
  for (const found of [waiting, calling]) {
    assert.deepEqual([found.turns, found.chunks, found.ends], [[], [], ["stopped"]]);
    assert.equal(found.done, undefined);
  }
});
