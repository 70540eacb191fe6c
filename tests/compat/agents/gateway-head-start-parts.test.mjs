// Head starts that the gateway makes: what of a step survives beside its text, with a warm place
// that speaks the AI SDK's stream, and agents with room for one chat.

import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { streamed, upstream } from "../lib/upstream.mjs";
import { records } from "../lib/wire.mjs";
import { stage } from "./lib/stage.mjs";
import { PATIENCE, handedOver, ofType } from "./lib/started.mjs";
import { atRest, kept, onlyId, says, stored, warmModel } from "./lib/warm.mjs";

const HELLO = "Hello from here.";
const SIGNED = { anthropic: { signature: "signed" } };
const CITED = { openai: { itemId: "item-1" } };
const model = await warmModel();
const route = await upstream(async (request) => {
  const { messages } = await request.json();
  const said = JSON.stringify(messages.at(-1));
  const tool = said.includes("/tool");
  // Routes may name the message themselves, and not always in a new way.
  const messageId = said.includes("named") ? "mine" : undefined;
  return streamed([{ type: "start", messageId }, { type: "start-step" },
    { type: "reasoning-start", id: "r" }, { type: "reasoning-delta", id: "r", delta: "Hm." },
    { type: "reasoning-end", id: "r", providerMetadata: SIGNED },
    { type: "text-start", id: "t", providerMetadata: CITED },
    { type: "text-delta", id: "t", delta: HELLO }, { type: "text-end", id: "t" },
    ...(tool ? [{ type: "tool-input-available", toolCallId: "call-1", toolName: "weather",
      input: { city: "Rome" }, providerMetadata: CITED }] : []),
    { type: "finish-step" },
    { type: "finish", messageMetadata: { model: "m" } }]);
});
after(route.close);
const warm = (id) => `
[[agent]]
id = "${id}"
backend = "link"
head_start = { backend = "ai_sdk", url = "${route.url}", tools = [{ name = "weather" }] }
`;
const made = await stage(["headstart"],
  { agents: warm("starter") + warm("pinned") + model.agent("sleeper") });
await made.start(["../pinned/headstart"]);
const talk = (agent) => made.talk(agent, { patience: PATIENCE });

/** What was handed over, part by part. */
async function handedParts(one) {
  const found = await records(one.gw, one.chat, "in");
  const { data } = found.find((record) => record.data.includes('"handover"'));
  return JSON.parse(data).partialAssistantMessage[0].content;
}

/** The parts of the newest stored message, without what is only of the wire. */
const partsOf = (saved) => saved.at(-1).parts.filter(({ type }) => type !== "step-start")
  .map(({ state, ...part }) => part);

for (const agent of ["starter", "pinned"]) {
  describe(agent, { concurrency: 4 }, () => {
    test("a warm place that names the message itself", async () => {
      const one = talk(agent);
      await one.open();
      const turn = await one.turn(`named ${one.chat}`);
      assert.equal(turn.text, HELLO);
      assert.equal(onlyId(turn), "mine");
      assert.deepEqual(await handedOver(one), [{ fate: "applied", turn: 1 }]);
      const saved = await stored(one, [`named ${one.chat}`, HELLO]);
      assert.equal(saved[1].id, "mine");
      await atRest(one, 1);
    });

    test("what it thought, and what its provider says of it", async () => {
      const one = talk(agent);
      await one.open();
      const turn = await one.turn(`hi ${one.chat}`);
      assert.deepEqual(ofType(turn, "reasoning-end")[0].providerMetadata, SIGNED);
      assert.deepEqual(ofType(turn, "text-start")[0].providerMetadata, CITED);
      assert.deepEqual(ofType(turn, "finish")[0].messageMetadata, { model: "m" });
      const saved = await stored(one, [`hi ${one.chat}`, HELLO]);
      assert.deepEqual(await handedParts(one), [
        { type: "reasoning", text: "Hm.", providerOptions: SIGNED },
        { type: "text", text: HELLO, providerOptions: CITED }]);
      // The SDK drops what is said of text, and the message's metadata.
      assert.deepEqual(partsOf(saved), [
        { type: "reasoning", text: "Hm.", providerMetadata: SIGNED },
        { type: "text", text: HELLO }]);
      assert.equal(saved[1].metadata, undefined);
      assert.equal((await one.turn("next")).text, `heard hi ${one.chat} | next`);
      await atRest(one, 2);
    });
  });
}

test("with a call", async () => {
  const one = talk("pinned");
  await one.open();
  const turn = await one.turn(`/tool weather {"city":"${one.chat}"}`);
  onlyId(turn);
  assert.equal(one.notes("weather").length, 1);
  const saved = await stored(one, [`/tool weather {"city":"${one.chat}"}`, turn.text]);
  const [thought, text, call] = partsOf(saved);
  assert.deepEqual(thought, { type: "reasoning", text: "Hm.", providerMetadata: SIGNED });
  assert.deepEqual(text, { type: "text", text: HELLO });
  assert.equal(call.callProviderMetadata, undefined, "which it drops of calls, too");
  await atRest(one, 1);
});

test("a parked run that made way for another chat is cold", async () => {
  const tight = await made.start(["headstart"], { version: "tight", flags: ["--capacity", "1"] });
  await made.host.stop();
  const one = talk("sleeper");
  model.tell(one.chat, says("One."), says(HELLO));
  const { runId } = await one.open();
  await one.turn(`hi ${one.chat}`);
  await kept(one);
  const other = talk("sleeper");
  model.tell(other.chat, says("Two."));
  await other.open();
  await other.turn(`hi ${other.chat}`);
  await one.ended((await one.row()).currentRunId ?? runId);
  const turn = await one.turn("next");
  assert.equal(turn.text, HELLO);
  await stored(one, [`hi ${one.chat}`, "One.", "next", HELLO]);
  await atRest(one, 2);
  await tight.stop();
});
