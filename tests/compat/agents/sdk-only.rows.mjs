// Rows 86–90: what the SDK does by itself passes through unchanged.

import assert from "node:assert/strict";
import { agentRow } from "./lib/row.mjs";
import { shared } from "./lib/stage.mjs";

const { talk } = await shared();

const count = ({ types }, wanted) => types.filter((type) => type === wanted).length;

agentRow(86, async () => {
  const one = talk("compacting");
  const { runId } = await one.open();
  const first = await one.turn("a long story");
  const parts = first.chunks.filter(({ type }) => type === "data-compaction");
  assert.deepEqual(parts.map(({ data }) => data.status), ["compacting", "complete"]);
  const second = await one.turn("/prompt");
  assert.ok(second.text.includes("a summary of 2 messages"), second.text);
  await one.payload({ trigger: "close" });
  await one.ended(runId);
  const later = await one.turn("/prompt again");
  assert.ok(later.text.includes("a summary of 2 messages"), "it survives a continuation");
  assert.equal((await one.saved((some) => some.length === 6)).length, 6, "the transcript is whole");
});

agentRow(87, async () => {
  const one = talk("injecting");
  await one.open();
  const turn = await one.turn("/tool lookup");
  assert.equal(count(turn, "data-background-injected"), 1);
  const at = turn.types.indexOf("data-background-injected");
  assert.deepEqual([turn.types[at - 1], turn.types[at + 1]], ["finish-step", "start-step"]);
  const next = await one.turn("/prompt");
  assert.match(next.text, /system:the user moved to Pro/);
  assert.match(next.text, /user:by the way: it rains/);
});

agentRow(88, async () => {
  const one = talk("deferring");
  await one.open();
  const { text } = await one.turn("hi");
  assert.equal(text, "heard hi");
  await one.noted("onTurnComplete");
  assert.deepEqual(one.notes().map(({ what }) => what),
    ["before output", "deferred", "onTurnComplete"]);
});

agentRow(89, async () => {
  const one = talk("painter");
  await one.open();
  const turn = await one.turn("/parts");
  assert.deepEqual([count(turn, "data-kept"), count(turn, "data-passing")], [1, 1]);
  const stored = await one.saved((some) => some.length === 2);
  const kinds = stored[1].parts.map(({ type }) => type);
  assert.ok(kinds.includes("data-kept") && !kinds.includes("data-passing"), kinds.join(" "));
});

agentRow(90, async () => {
  const open = talk("painter");
  await open.open();
  const all = await open.turn("/reason");
  assert.equal(count(all, "reasoning-delta"), 1);
  assert.equal(count(all, "source-url"), 1);
  assert.deepEqual(all.chunks.find(({ type }) => type === "finish").messageMetadata,
    { tokens: 15 });
  const failed = await open.turn("/fail");
  assert.equal(failed.chunks.find(({ type }) => type === "error").errorText,
    "something went wrong");
  const closed = talk("discreet");
  await closed.open();
  const little = await closed.turn("/reason");
  assert.deepEqual([count(little, "reasoning-delta"), count(little, "source-url")], [0, 0]);
});
