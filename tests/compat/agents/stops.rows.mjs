// Rows 24–27: stops, and messages that arrive while a turn runs.

import assert from "node:assert/strict";
import { mint, say } from "../lib/chats.mjs";
import { AgentChat } from "../lib/sdk.mjs";
import { call, eventually } from "../lib/wire.mjs";
import { agentRow } from "./lib/row.mjs";
import { shared } from "./lib/stage.mjs";
import { messageText } from "./lib/talk.mjs";

const { gw, talk } = await shared();

agentRow(24, async () => {
  const one = talk("hooked");
  await one.open();
  const seq = await one.submit("/count 3000 10");
  const before = await one.streaming(60);
  const stop = await one.stop();
  const turn = await one.covered(seq);
  assert.ok(turn.text.length >= before.length && turn.text.split(" ").length < 1500);
  assert.ok(!turn.types.includes("finish"), "the chunks just end");
  assert.equal((await one.turns()).length, 1, "one boundary");
  const [{ stopped }] = await one.noted("onTurnComplete");
  assert.equal(stopped, true);
  const stored = await one.saved((some) => some.length === 2);
  assert.equal(messageText(stored[1]), turn.text, "the partial answer is kept");
  const fates = await one.fates();
  assert.equal(fates.find((fate) => fate.seq === stop).fate, "applied");
  assert.ok((await one.turn("next")).types.includes("finish"));
});

agentRow(24, async () => {
  const one = talk("talk");
  await one.open();
  const first = await one.submit("/count 1000 10");
  const second = await one.submit("queued");
  await one.streaming();
  await one.stop();
  const turns = await one.settled(2);
  assert.equal(turns[1].text, "heard /count 1000 10 | queued", "what is queued still runs");
  assert.ok(turns[0].floor >= first && turns[1].floor >= second);
}, { detail: "what is queued behind it still runs" });

agentRow(25, async () => {
  const one = talk("talk");
  await one.open();
  await one.turn("hi");
  const publicKey = await mint(one.chat);
  const stop = await call(gw, `/realtime/v1/sessions/${one.chat}/in/append`,
    { bearer: publicKey, json: { kind: "stop" } });
  const { seq } = await stop.json();
  await fated(one, seq);
  assert.equal((await one.turns()).length, 1, "an idle stop from a public token writes nothing");
  assert.equal((await one.turn("next")).text, "heard hi | next", "and does not hit the next turn");
});

/** Waits until an input has a fate. */
const fated = (one, seq) => eventually(async () =>
  (await one.fates()).find((fate) => fate.seq === seq)?.fate, `the fate of ${seq}`);

agentRow(25, async () => {
  const server = new AgentChat({ agent: "talk" });
  const one = talk("talk", { chat: server.id });
  await (await server.sendMessage("hi")).text();
  await server.stop();
  const turns = await one.settled(2);
  assert.deepEqual([turns.length, turns[1].types], [2, []]);
  assert.equal(await (await server.sendMessage("next")).text(), "heard hi | next");
  assert.equal((await one.turns()).length, 3);
}, { detail: "AgentChat gets its boundary" });

agentRow(25, async () => {
  const one = talk("talk");
  await one.open();
  await one.turn("hi");
  const { currentRunId } = await one.row();
  await one.payload({ trigger: "close" });
  await one.ended(currentRunId);
  const bearer = await mint(one.chat);
  await call(gw, `/realtime/v1/sessions/${one.chat}/in/append`, { bearer, json: { kind: "stop" } });
  const next = await one.turn("next");
  assert.equal(next.text, "heard hi | next", "a stale stop does not reach the next run's turn");
  assert.equal((await one.turns()).length, 2);
}, { detail: "across a run change" });

/** Starts a turn of two slow steps and sends a message into it. */
async function interrupted(agent) {
  const one = talk(agent);
  await one.open();
  const seq = await one.submit("/steps 2 2000");
  await one.noted("pause");
  const sent = say("turn left", "steer-1");
  const steer = await one.submit(sent);
  return { one, seq, steer };
}

agentRow(26, async () => {
  const { one, seq, steer } = await interrupted("steered");
  const turn = await one.covered(steer);
  const at = turn.types.indexOf("data-pending-message-injected");
  assert.equal(turn.types[at - 1], "finish-step");
  assert.equal(turn.types[at + 1], "start-step");
  assert.deepEqual(turn.chunks[at].data.messageIds, ["steer-1"]);
  assert.ok(turn.text.endsWith("after turn left"));
  assert.ok(turn.floor >= steer && turn.floor >= seq);
  assert.equal((await one.turns()).length, 1, "one boundary for both");
  const stored = await one.saved((some) => some.length === 3);
  assert.deepEqual(stored.map(({ role }) => role), ["user", "user", "assistant"]);
});

agentRow(27, async () => {
  const { one, steer } = await interrupted("unsteered");
  const turn = await one.covered(steer);
  assert.equal(turn.text, "heard /steps 2 2000 | turn left");
  const turns = await one.turns();
  assert.equal(turns.length, 2);
  assert.ok(!turns[0].types.includes("data-pending-message-injected"));
});
