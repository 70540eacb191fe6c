// Rows 28–30, 83: tools that wait for a person, and tools that show how far they are.

import assert from "node:assert/strict";
import { agentRow } from "./lib/row.mjs";
import { shared } from "./lib/stage.mjs";

const { talk } = await shared();

const startOf = ({ chunks }) => chunks.find(({ type }) => type === "start").messageId;
const finishOf = ({ chunks }) => chunks.find(({ type }) => type === "finish").finishReason;
const find = ({ chunks }, type) => chunks.find((chunk) => chunk.type === type);

/** A chat that waits for a person after calling `tool`. */
async function waiting(tool, input) {
  const one = talk("handy");
  await one.open();
  const asked = await one.turn(`/tool ${tool} ${JSON.stringify(input)}`);
  assert.equal(finishOf(asked), "tool-calls");
  const { toolCallId } = find(asked, "tool-input-available");
  const slim = (part) => ({ id: startOf(asked), role: "assistant",
    parts: [{ type: `tool-${tool}`, toolCallId, ...part }] });
  return { one, asked, slim };
}

agentRow(28, async () => {
  const { one, asked, slim } = await waiting("ask_user", { question: "which?" });
  const answer = slim({ state: "output-available", output: { answer: "that" } });
  const resumed = await one.turn(answer);
  assert.equal(startOf(resumed), startOf(asked), "the same message goes on");
  assert.ok(resumed.text.startsWith('ask_user gave {"answer":"that"}'));
  const stored = await one.saved((some) =>
    some.at(-1)?.parts.some(({ state }) => state === "output-available"));
  assert.deepEqual(stored.map(({ role }) => role), ["user", "assistant"]);
});

agentRow(29, async () => {
  const { one, asked, slim } = await waiting("delete_file", { name: "a.txt" });
  const { approvalId } = find(asked, "tool-approval-request");
  assert.equal(one.notes("deleted").length, 0);
  const approved = await one.turn(slim({ state: "approval-responded",
    approval: { id: approvalId, approved: true } }));
  assert.deepEqual(find(approved, "tool-output-available").output, { deleted: "a.txt" });
  assert.equal(startOf(approved), startOf(asked));
  assert.equal(one.notes("deleted").length, 1);
});

agentRow(29, async () => {
  const { one, asked, slim } = await waiting("delete_file", { name: "a.txt" });
  const { approvalId } = find(asked, "tool-approval-request");
  const denied = await one.turn(slim({ state: "approval-responded",
    approval: { id: approvalId, approved: false, reason: "no" } }));
  assert.ok(find(denied, "tool-output-denied"));
  assert.ok(denied.text.startsWith("delete_file gave"), denied.text);
  assert.equal(one.notes("deleted").length, 0);
}, { detail: "denied" });

agentRow(30, async () => {
  const { one, slim } = await waiting("ask_user", { question: "which?" });
  const answer = slim({ state: "output-available", output: { answer: "that" } });
  await one.turn(answer);
  const again = await one.turn(answer);
  assert.deepEqual(again.types, [], "a bare boundary, no model call");
  assert.equal((await one.turns()).length, 3);
});

agentRow(83, async () => {
  const one = talk("handy");
  await one.open();
  const turn = await one.turn("/tool progress");
  const outputs = turn.chunks.filter(({ type }) => type === "tool-output-available");
  assert.deepEqual(outputs.map(({ output, preliminary }) => [output.done, preliminary === true]),
    [[1, true], [2, true], [3, true], [3, false]]);
});
