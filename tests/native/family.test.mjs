// A session as another agent's tool.

import assert from "node:assert/strict";
import { test } from "node:test";
import { gateway } from "../compat/harness.mjs";
import { proxy } from "../compat/lib/proxy.mjs";
import { call, eventually, records } from "../compat/lib/wire.mjs";
import { childOf } from "../../clients/typescript/dist/agent/index.js";
import { chat, reduce, textOf } from "./lib/chat.mjs";
import { agentFile, project } from "./lib/example.mjs";
import { start } from "./lib/workers.mjs";

const cwd = await project({ "family.js": agentFile("family.mjs"),
  "model.js": agentFile("model.mjs") });
const command = [process.execPath, "family.js"];

const ask = (text) => `call ask ${JSON.stringify({ text })}`;
const forwarded = (out) => out.map(({ data }) => data).filter((c) => c?.type === "data-subagent");
/** The sub-agent's text in its parent's stream. */
const shown = (talk) => textOf(forwarded(talk.out).flatMap(({ data }) =>
  data.chunks.map((chunk) => ({ data: chunk }))));
const fates = async (gw, id) =>
  (await (await call(gw, `/v1/sessions/${id}/inputs`)).json()).inputs.map(({ fate }) => fate);

test("a sub-agent's stream shows up in its parent's, in linear bytes", async () => {
  const gw = await gateway();
  start(gw, command, { cwd });
  const talk = await chat(gw, "parent");
  assert.deepEqual(await talk.settled(await talk.say(ask("count 200"))), []);
  const child = childOf(talk.id, "call-1");
  const inner = await records(gw, child);
  const whole = Array.from({ length: 200 }, (_, index) => `${index + 1} `).join("");
  assert.equal(textOf(inner), whole);

  const batches = forwarded(talk.out);
  assert.ok(batches.length > 1, "it is shown while it runs");
  assert.deepEqual(batches.map(({ data }) => data.seq), batches.map((_, index) => index));
  assert.ok(batches.every(({ transient, data }) => transient && data.toolCallId === "call-1"));
  const chunks = batches.flatMap(({ data }) => data.chunks);
  const bytes = JSON.stringify(batches).length;
  assert.ok(bytes < 3 * JSON.stringify(chunks).length, `${bytes} bytes`);
  const stored = await (await call(gw, `/api/v1/sessions/${child}/transcript`)).json();
  assert.deepEqual(await reduce(chunks), stored.messages.at(-1));

  const tool = (await talk.transcript()).at(-1).parts.find(({ type }) => type === "tool-ask");
  assert.equal(tool.output, whole);
  assert.ok((await talk.transcript()).at(-1).parts.every(({ type }) => type !== "data-subagent"));
});

test("cuts under a sub-agent lose and repeat nothing", async () => {
  const gw = await gateway();
  const cuts = await proxy(gw.port);
  start(gw, command, { cwd, url: cuts.url });
  const talk = await chat(gw, "parent");
  const seq = await talk.say(ask("count 800"));
  for (const number of [40, 120, 200]) {
    await eventually(() => shown(talk).includes(` ${number} `), `number ${number}`);
    await cuts.drop();
  }
  assert.deepEqual(await talk.settled(seq), []);
  const whole = Array.from({ length: 800 }, (_, index) => `${index + 1} `).join("");
  assert.equal(shown(talk), whole);
  const tool = (await talk.transcript()).at(-1).parts.find(({ type }) => type === "tool-ask");
  assert.equal(tool.output, whole);
  await cuts.close();
});

test("a sub-agent that fails is a tool that fails", async () => {
  const gw = await gateway();
  start(gw, command, { cwd });
  const talk = await chat(gw, "parent");
  assert.deepEqual(await talk.settled(await talk.say(ask("fail"))), []);
  const tool = (await talk.transcript()).at(-1).parts.find(({ type }) => type === "tool-ask");
  assert.equal(tool.state, "output-error");
});

test("a stop of the parent stops the sub-agent", async () => {
  const gw = await gateway();
  start(gw, command, { cwd });
  const talk = await chat(gw, "parent");
  const seq = await talk.say(ask("count 100000"));
  await eventually(async () => forwarded(talk.out).length > 1, "forwarded chunks");
  await talk.stop();
  await talk.settled(seq);
  const child = childOf(talk.id, "call-1");
  await eventually(async () => (await fates(gw, child)).join() === "answered,applied",
    "the end of the sub-agent");
});

test("three levels of sub-agents at one worker with room for one", async () => {
  const gw = await gateway();
  start(gw, command, { cwd, env: { TIDEGATE_CAPACITY: "1" } });
  const talk = await chat(gw, "parent");
  assert.deepEqual(await talk.settled(await talk.say(ask("deep"))), []);
  const tool = (await talk.transcript()).at(-1).parts.find(({ type }) => type === "tool-ask");
  assert.equal(tool.output, "child of child of said say");
});

test("a parent that is run again finds its sub-agent", async () => {
  const gw = await gateway();
  start(gw, command, { cwd, env: { TIDEGATE_ROLE: "child" } });
  const first = start(gw, command, { cwd, env: { TIDEGATE_ROLE: "parent" } });
  await chat(gw, "child");
  const talk = await chat(gw, "quiet-parent");
  const seq = await talk.say("count 1000");
  const child = childOf(talk.id, "c1");
  await eventually(async () => {
    const out = await records(gw, child).catch(() => []);
    return textOf(out).includes(" 20 ");
  }, "the sub-agent's first words");
  first.kill("SIGKILL");
  start(gw, command, { cwd, env: { TIDEGATE_ROLE: "parent" } });
  assert.deepEqual(await talk.settled(seq), []);
  const whole = Array.from({ length: 1000 }, (_, index) => `${index + 1} `).join("");
  assert.equal((await talk.transcript()).at(-1).parts.at(-1).text, `2: ${whole}`);
  assert.deepEqual(await fates(gw, child), ["answered"], "it was asked once");
});
