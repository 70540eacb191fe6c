// Rows 56–61, 96, and a deploy: a session moves to a new run, or to a new version.

import assert from "node:assert/strict";
import { test } from "node:test";
import { sessions } from "../lib/sdk.mjs";
import { call, eventually, header } from "../lib/wire.mjs";
import { agentRow } from "./lib/row.mjs";
import { stage } from "./lib/stage.mjs";
import { controls } from "./lib/talk.mjs";

const made = await stage(["evolving-1", "custom", "talk"], { hosted: { version: "v1" } });
const { gw, talk, start } = made;

const versionOf = ({ chunks }) => chunks.findLast(({ type }) => type === "data-version")?.data;

/** A chat whose run is on version 1, which has answered once. */
async function onFirst() {
  const one = talk("evolving");
  const { runId } = await one.open();
  assert.equal(versionOf(await one.turn("hi")), 1);
  return { one, runId };
}

agentRow(58, async () => {
  const one = talk("restless");
  await one.open();
  const turn = await one.turn("stay");
  assert.equal(turn.chunks.filter(({ type }) => type === "error").length, 1);
  assert.equal((await one.turns()).length, 1, "one boundary");
  const swaps = one.notes("onTurnStart").length;
  assert.ok(swaps >= 2 && swaps <= 20, `${swaps} runs`);
});

agentRow(59, async () => {
  const one = talk("talk");
  const { runId } = await one.open();
  await one.turn("hi");
  const swap = async () => {
    const answer = await call(gw, `/api/v1/sessions/${one.chat}/end-and-continue`, {
      json: { callingRunId: runId, reason: "upgrade" } });
    assert.equal(answer.status, 200, await answer.clone().text());
    return answer.json();
  };
  const [left, right] = await Promise.all([swap(), swap()]);
  assert.deepEqual([left.swapped, right.swapped].sort(), [false, true]);
  assert.equal(left.runId, right.runId, "the one that lost is told who won");
  assert.notEqual(left.runId, runId);
  assert.equal((await one.turn("on")).text, "heard hi | on");
});

agentRow(96, async () => {
  const one = talk("by-hand");
  const { runId } = await one.open();
  assert.equal((await one.turn("/handoff")).text, "heard /handoff");
  const boots = await one.noted("boot", 2);
  assert.deepEqual(boots.map(({ continuation }) => continuation), [false, true]);
  assert.notEqual(boots[1].runId, runId);
  assert.equal((await one.turn("on")).text, "heard on", "a custom agent seeds its own history");
  assert.equal((await one.row()).currentRunId, boots[1].runId);
});

agentRow(60, async () => {
  const one = talk("evolving");
  const session = await sessions.start({ type: "chat.agent", taskIdentifier: "evolving",
    externalId: one.chat, triggerConfig: { externalDeploymentId: "v7", basePayload: {
      chatId: one.chat, trigger: "preload" } } });
  assert.equal(session.pendingVersion, true, "start says that it waits");
  const appended = await call(gw, `/realtime/v1/sessions/${one.chat}/in/append`, { json: {
    kind: "message", payload: { chatId: one.chat, trigger: "submit-message",
      message: { id: "u1", role: "user", parts: [{ type: "text", text: "hi" }] } } } });
  const { seq, pendingVersion } = await appended.json();
  assert.equal(pendingVersion, true, "append says so too");
  const waits = async () => controls(await one.records(), "pending-version").length;
  await eventually(waits, "a record on .out");
  const late = await start(["evolving-2"], { version: "v7" });
  const turn = await one.covered(seq);
  assert.equal(versionOf(turn), 2);
  assert.equal(await waits(), 1, "and .out, once");
  await late.stop();
});

agentRow(56, async () => {
  const { one, runId } = await onFirst();
  const second = await start(["evolving-2"], { version: "v2" });
  const turn = await one.turn("/upgrade now");
  assert.equal(versionOf(turn), 2, "answered by the new version");
  assert.equal(turn.text, "heard hi | /upgrade now");
  assert.equal(controls(await one.records(), "upgrade-required").length, 1);
  assert.equal((await one.turns()).length, 2, "answered once");
  assert.notEqual((await one.row()).currentRunId, runId);
  assert.equal((await one.ended(runId)).isCompleted, true);
  await second.stop();
});

agentRow(57, async () => {
  const one = talk("evolving");
  const { runId } = await one.open();
  assert.equal(versionOf(await one.turn("/later")), 1);
  const second = await start(["evolving-2"], { version: "v3" });
  await eventually(async () => (await one.row()).currentRunId !== runId, "the successor");
  assert.equal(controls(await one.records(), "upgrade-required").length, 0);
  assert.equal((await one.turn("on")).text, "heard /later | on");
  assert.equal((await one.turns()).length, 2);
  await second.stop();
});

agentRow(61, async () => {
  const one = talk("evolving");
  await sessions.start({ type: "chat.agent", taskIdentifier: "evolving", externalId: one.chat,
    triggerConfig: { externalDeploymentId: "v1", basePayload: { chatId: one.chat,
      trigger: "preload" } } });
  assert.equal(versionOf(await one.turn("hi")), 1);
  const second = await start(["evolving-2"], { version: "v4" });
  await sessions.start({ type: "chat.agent", taskIdentifier: "evolving", externalId: one.chat,
    triggerConfig: { externalDeploymentId: "v4", basePayload: { chatId: one.chat,
      trigger: "preload" } } });
  const turn = await one.turn("follow");
  assert.equal(versionOf(turn), 2, "the run followed the pin");
  assert.equal(turn.text, "heard hi | follow");
  assert.equal(header(turn.boundary, "trigger-control"), "turn-complete");
  await second.stop();
});

test("deploy: the running turn ends on version 1, the next one runs on version 2", async () => {
  const old = await start(["evolving-1"], { version: "d1" });
  const { one } = await onFirst();
  // It is there first: the old one ends in the middle of the turn, however long a start takes.
  const fresh = await start(["evolving-2"], { version: "d2" });
  const seq = await one.submit("/count 100 20");
  await one.streaming(60);
  const queued = await one.submit("and then?");
  const drained = old.stop();
  const turn = await one.covered(seq);
  assert.equal(versionOf(turn), 1);
  assert.equal(turn.text.trim().split(" ").length, 100, "it was not cut");
  assert.deepEqual(await drained, { code: 0, signal: null });
  await one.covered(queued);
  const next = await one.turn("on");
  assert.equal(versionOf(next), 2);
  assert.equal(next.text, "heard hi | /count 100 20 | and then? | on", "nothing is lost");
  assert.equal((await one.turns()).length, 4);
  await fresh.stop();
});
