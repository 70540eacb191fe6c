// Rows 39 and 81 with room for few chats: parked runs make way, and waiting parents starve nobody.

import assert from "node:assert/strict";
import { agentRow } from "./lib/row.mjs";
import { stage } from "./lib/stage.mjs";

const { talk } = await stage(["talk", "subagents"], { hosted: { flags: ["--capacity", "1"] } });

agentRow(39, async () => {
  const first = talk("nap");
  const { runId } = await first.open();
  await first.turn("one");
  const second = talk("nap");
  await second.open();
  assert.equal((await second.turn("hello")).text, "heard hello");
  assert.equal((await first.ended(runId)).status, "COMPLETED", "the parked run made way");
  assert.equal((await first.turn("two")).text, "heard one | two");
  assert.equal((await second.turn("again")).text, "heard hello | again");
});

agentRow(81, async () => {
  const one = talk("root");
  await one.open();
  const inner = JSON.stringify({ text: "/tool ask {\"text\":\"hello\"}" });
  const turn = await one.turn(`/tool deep ${inner}`);
  assert.ok(turn.text.includes("heard hello"), turn.text);
}, { detail: "three deep in a pool of one" });
