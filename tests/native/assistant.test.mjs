// An agent with `streamText`: tools, approvals, stop, steering, actions, errors and hooks.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { gateway } from "../compat/harness.mjs";
import { call, eventually } from "../compat/lib/wire.mjs";
import { chat } from "./lib/chat.mjs";
import { agentFile, project } from "./lib/example.mjs";
import { start } from "./lib/workers.mjs";

const compat = createRequire(new URL("../compat/package.json", import.meta.url));

for (const [version, ai] of [["6", "ai"], ["7", compat.resolve("ai7")]]) {
  const gw = await gateway();
  const cwd = await project({ "assistant.js": agentFile("assistant.mjs"),
    "model.js": agentFile("model.mjs"), notes: "" });
  const env = { TIDEGATE_AI: ai, TIDEGATE_NOTES: join(cwd, "notes") };
  const worker = start(gw, [process.execPath, "assistant.js"], { cwd, env });
  const notes = () => readFileSync(join(cwd, "notes"), "utf8").trim().split("\n");
  describe(`streamText of ai ${version}`, () => scenarios(gw, notes, worker));
}

function scenarios(gw, notes, worker) {
  test("a tool is called and the answer goes on", async () => {
    const talk = await chat(gw, "assistant");
    assert.deepEqual(await talk.settled(await talk.say('call weather {"city":"Rome"}')), []);
    const answer = (await talk.transcript()).at(-1);
    assert.deepEqual(kinds(answer), ["tool-weather", "text"], worker.log());
    assert.deepEqual(answer.parts.find(({ type }) => type === "tool-weather").output,
      { city: "Rome", sky: "clear" });
    assert.match(textOf(answer), /Tool: \{"city":"Rome","sky":"clear"\}\.$/);
    assert.deepEqual(await talk.reduced(), answer);
  });

  test("a tool that throws is told to the model", async () => {
    const talk = await chat(gw, "assistant");
    assert.deepEqual(await talk.settled(await talk.say("call crash {}")), []);
    const answer = (await talk.transcript()).at(-1);
    assert.equal(answer.parts.find(({ type }) => type === "tool-crash").state, "output-error");
    assert.match(textOf(answer), /the tool broke/);
  });

  for (const approved of [true, false]) {
    test(`an approval that is ${approved ? "given" : "refused"}`, async () => {
      const what = `rocket-${approved}`;
      const talk = await chat(gw, "assistant");
      await talk.settled(await talk.say(`call launch {"what":"${what}"}`));
      const asked = (await talk.transcript()).at(-1);
      assert.deepEqual(kinds(asked), ["tool-launch"]);
      assert.deepEqual(await talk.settled(await talk.approve(approved)), []);
      const answer = (await talk.transcript()).at(-1);
      assert.equal(answer.id, asked.id, "the answer continues the message");
      const { state } = answer.parts.find(({ type }) => type === "tool-launch");
      assert.equal(state, approved ? "output-available" : "output-denied");
      assert.equal(notes().includes(`launched ${what}`), approved);
      assert.deepEqual(await talk.reduced(), answer);
    });
  }

  test("a stop aborts the model and keeps what was shown", async () => {
    const talk = await chat(gw, "assistant");
    const seq = await talk.say("slow answers");
    await talk.shows("slow ");
    await talk.stop();
    assert.deepEqual(await talk.settled(seq), []);
    assert.match(textOf((await talk.transcript()).at(-1)), /^I heard: slow $/);
    await eventually(() => notes().includes(`${talk.id} complete 1 stopped`), "the hook");
    assert.deepEqual(await talk.settled(await talk.say("quick")), []);
  });

  test("regenerate gives a new answer in the old one's place", async () => {
    const talk = await chat(gw, "assistant");
    await talk.settled(await talk.say("hello"));
    const [, old] = await talk.transcript();
    await talk.settled(await talk.regenerate());
    const messages = await talk.transcript();
    assert.equal(messages.length, 2);
    assert.notEqual(messages[1].id, old.id);
    assert.equal(textOf(messages[1]), "I heard: hello.");
  });

  test("a message that arrives while a tool runs is taken into the answer", async () => {
    const talk = await chat(gw, "assistant");
    const seq = await talk.say('call weather {"city":"Slowtown"}');
    await eventually(() =>
      talk.out.some(({ data }) => data?.type === "tool-input-available"), "the call");
    const steered = await talk.say("and be brief");
    await talk.settled(steered);
    const out = talk.out;
    const taken = out.find(({ data }) => data?.type === "data-pending-message-injected");
    assert.deepEqual(taken?.data.data, { messageIds: ["u2"],
      messages: [{ id: "u2", text: "and be brief" }] });
    const messages = await talk.transcript();
    assert.match(textOf(messages.at(-1)), /Slowtown.*and be brief/);
    const answer = await call(gw, `/v1/sessions/${talk.id}/inputs`);
    const fates = new Map((await answer.json()).inputs.map(({ seq: at, fate }) => [at, fate]));
    assert.equal(fates.get(seq), "answered");
    assert.equal(fates.get(steered), "injected");
    assert.equal(out.filter(({ headers }) => headers?.some(([, value]) =>
      value === "turn-complete")).length, 1, "one boundary");
  });

  test("actions: with a schema, without an answer, and unknown ones", async () => {
    const talk = await chat(gw, "assistant");
    const act = async (action) => talk.settled(await talk.act(action));
    assert.deepEqual(await act({ type: "greet", name: "Ada" }), []);
    assert.equal(textOf((await talk.transcript()).at(-1)), "Hello Ada.");
    assert.match((await act({ type: "greet", name: 7 })).join(), /invalid action: .*string/);
    assert.match((await act({ type: "toString" })).join(), /unknown action "toString"/);
    assert.deepEqual(await act({ type: "silent" }), []);
    assert.ok(notes().includes("silent action"));
    assert.equal((await talk.transcript()).length, 1);
  });

  test("the text of an error is not shown, and the next turn works", async () => {
    const talk = await chat(gw, "assistant");
    const errors = await talk.settled(await talk.say("hello", { throw: true }));
    assert.match(errors.join(), /The agent failed\./);
    assert.doesNotMatch(errors.join(), /secret/);
    assert.deepEqual(await talk.settled(await talk.say("again")), []);
  });

  test("hooks are called in order", async () => {
    const talk = await chat(gw, "assistant");
    for (const turn of [1, 2]) {
      await talk.settled(await talk.say(`number ${turn}`));
      // The reader has its boundary before the worker has its acknowledgement.
      await eventually(() => notes().includes(`${talk.id} complete ${turn} done`), "the hook");
    }
    const hooks = notes().filter((line) => line.startsWith(talk.id));
    assert.deepEqual(hooks, ["start", "turn 1", "complete 1 done", "turn 2", "complete 2 done"]
      .map((hook) => `${talk.id} ${hook}`));
  });
}

const kinds = ({ parts }) =>
  parts.map(({ type }) => type).filter((type) => type !== "step-start");

const textOf = ({ parts }) =>
  parts.filter(({ type }) => type === "text").map(({ text }) => text).join("");
