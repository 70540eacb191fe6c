// Rows 62, 63: sessions that end for good, by their agent or from outside.

import assert from "node:assert/strict";
import { say } from "../lib/chats.mjs";
import { sessions } from "../lib/sdk.mjs";
import { call, closings, eventually, header, records } from "../lib/wire.mjs";
import { agentRow } from "./lib/row.mjs";
import { shared } from "./lib/stage.mjs";

const { gw, talk } = await shared();

const append = ({ chat }) => call(gw, `/realtime/v1/sessions/${chat}/in/append`, { json: {
  kind: "message", payload: { chatId: chat, trigger: "submit-message", message: say("x") } } });

/** Waits until the session refuses input; gives the refusal. */
async function refused(one) {
  const answer = await append(one);
  assert.equal(answer.status, 409);
  assert.equal(answer.headers.get("x-should-retry"), "false");
  return answer.json();
}

agentRow(62, async () => {
  const one = talk("closer");
  const { runId } = await one.open();
  await one.turn("hi");
  const turn = await one.turn("/close");
  assert.equal(turn.text, "heard hi | /close");
  assert.equal(header(turn.boundary, "session-closed"), "true");
  assert.equal(header(turn.boundary, "session-closed-reason"), "all said");
  await one.ended(runId);
  // The session's end comes after its run's.
  const closed = await closings(gw, one.chat);
  assert.equal(closed.length, 1);
  assert.equal(header(closed[0], "session-closed-reason"), "all said");
  const row = await one.row();
  assert.equal(row.closedReason, "all said");
  const { code, closedReason } = await refused(one);
  assert.deepEqual([code, closedReason], ["session_closed", "all said"]);
  assert.equal((await one.runs()).length, 1, "no successor");
});

agentRow(63, async () => {
  const one = talk("hooked");
  const { runId } = await one.open();
  await one.turn("hi");
  await eventually(() => one.notes("onChatSuspend").some(({ phase }) => phase === "turn"));
  await sessions.close(one.chat, { reason: "from outside" });
  assert.equal((await one.ended(runId)).isCompleted, true, "the parked run exits");
  assert.equal((await refused(one)).closedReason, "from outside");
  const inputs = await records(gw, one.chat, "in");
  assert.ok(JSON.stringify(inputs.at(-1).data).includes("close"), "a wake record");
  assert.equal((await closings(gw, one.chat)).length, 1);
  assert.equal((await one.turns()).length, 1);
});
