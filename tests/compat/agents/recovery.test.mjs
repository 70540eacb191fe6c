// Rows 34, 47–52, 76: agents that die, hang or write what can't be written.

import assert from "node:assert/strict";
import { runs } from "@trigger.dev/sdk";
import { eventually } from "../lib/wire.mjs";
import { agentRow } from "./lib/row.mjs";
import { openGate } from "./fixtures/lib/notes.mjs";
import { stage } from "./lib/stage.mjs";
import { messageText } from "./lib/talk.mjs";

const FILES = ["crashes", "parts", "tools", "talk"];
const made = await stage(FILES);
const { talk } = made;

const errorsIn = ({ chunks }) => chunks.filter(({ type }) => type === "error");

agentRow(34, async () => {
  for (const [agent, text] of [["oversized", "/huge"], ["handy", "/tool blob"]]) {
    const one = talk(agent);
    await one.open();
    const turn = await one.turn(text);
    assert.equal(errorsIn(turn).length, 1, `${agent}: ${turn.types.join(" ")}`);
    assert.match(errorsIn(turn)[0].errorText, /\S/);
    assert.equal((await one.turns()).length, 1, "one boundary");
    const next = await one.turn("smaller");
    assert.ok(next.text.endsWith("smaller"), next.text);
    assert.equal((await one.turns()).length, 2);
  }
});

/** A turn that has shown `count` words, and dies once the chat's gate opens; gives its seq. */
async function dying(one, count) {
  const seq = await one.submit(`/die ${count} ${one.chat}`);
  await one.streaming(Array.from({ length: count }, (_, n) => `word-${n + 1} `).join("").length);
  return seq;
}

/** The turn that begins so, after the death. */
async function survived(one, count) {
  const seq = await dying(one, count);
  openGate(one.chat);
  return one.covered(seq);
}

agentRow(47, async () => {
  const one = talk("fragile");
  await one.open();
  const turn = await survived(one, 10);
  assert.equal(turn.chunks.filter(({ type }) => type === "start").length, 2, "begun twice");
  assert.equal(turn.types.at(-1), "finish");
  assert.equal((await one.turns()).length, 1, "one boundary");
  assert.equal(one.notes("onBoot").length, 2);
  const stored = await one.saved((some) => some.length === 2 && some[1].role === "assistant");
  assert.equal(messageText(stored[1]).trim().split(" ").length, 10, "exactly one final answer");
  const inputs = (await one.fates()).map(({ fate }) => fate);
  assert.deepEqual(inputs, ["answered"]);
});

agentRow(47, async () => {
  const one = talk("talk");
  await one.open();
  await one.turn("before");
  const seq = await one.submit("/count 200 20");
  await one.streaming(60);
  await made.host.stop("SIGKILL");
  made.host = await made.start(FILES);
  const turn = await one.covered(seq);
  assert.equal(turn.types.at(-1), "finish");
  assert.equal((await one.turns()).length, 2);
  const stored = await one.saved((some) =>
    some.length === 4 && messageText(some[3]).endsWith("word-200 "));
  assert.equal(messageText(stored[3]).trim().split(" ").length, 200);
}, { detail: "the whole host" });

agentRow(48, async () => {
  const one = talk("fragile");
  await one.open();
  const first = await dying(one, 30);
  const second = await one.submit("correction");
  const third = await one.submit("addition");
  openGate(one.chat);
  await one.covered(third);
  const turns = await one.turns();
  assert.equal(turns.length, 2, "the superseded input shares its successor's boundary");
  assert.ok(turns[0].text.endsWith("| correction"), turns[0].text.slice(-80));
  assert.ok(turns[1].text.endsWith("| correction | addition"));
  assert.ok(turns[0].floor >= second && turns[1].floor >= third);
  const fates = Object.fromEntries((await one.fates()).map(({ seq, fate }) => [seq, fate]));
  assert.deepEqual([fates[second], fates[third]], ["answered", "answered"]);
  assert.ok(["superseded", "answered"].includes(fates[first]), fates[first]);
  const [{ users, hasPartial }] = one.notes("onRecoveryBoot");
  assert.deepEqual([users.length, hasPartial], [3, true]);
  const stored = await one.saved((some) => messageText(some.at(-1)).endsWith("addition"));
  assert.ok(stored.some(({ role, ...rest }) => role === "assistant"
    && messageText(rest).startsWith("word-1")), "the half answer stays in the context");
});

agentRow(49, async () => {
  const one = talk("fragile");
  await one.open();
  const { types } = await survived(one, 10);
  const banner = types.indexOf("data-chat-recovery");
  assert.ok(banner > types.indexOf("start"), "after what the dead run wrote");
  assert.ok(banner < types.lastIndexOf("start"), "before the recovered turn");
  assert.equal(one.notes("onRecoveryBoot").length, 1);
});

agentRow(50, async () => {
  const one = talk("fragile");
  await one.open();
  const seq = await one.submit(`/tool charge ${JSON.stringify({ key: one.chat })}`);
  await eventually(async () => (await one.records()).some(({ data }) =>
    data?.type === "tool-input-available"), "the call");
  openGate(one.chat);
  const turn = await one.covered(seq);
  assert.ok(turn.text.startsWith('charge gave {"ok":true}'));
  assert.equal(one.notes("charged").length, 2, "at least once");
  assert.equal((await one.turns()).length, 1);
});

agentRow(51, async () => {
  const one = talk("hungry");
  const { runId } = await one.open();
  const turn = await one.turn("/oom");
  assert.equal(turn.text, "heard /oom");
  assert.deepEqual(one.notes("onBoot").map(({ runId: id, attempt }) => [id, attempt]),
    [[runId, 1], [runId, 2]]);
  assert.equal((await one.turns()).length, 1);
  assert.equal((await one.row()).currentRunId, runId);
});

agentRow(52, async () => {
  const one = talk("talk");
  const { runId } = await one.open();
  const seq = await one.submit("/count 2000 10");
  await one.streaming(60);
  await runs.cancel(runId);
  const turn = await one.covered(seq);
  assert.equal((await one.ended(runId)).status, "CANCELED");
  assert.equal(errorsIn(turn).length, 1);
  const length = (await one.records()).length;
  const next = await one.turn("go on");
  assert.ok(next.text.endsWith("go on"), next.text);
  assert.equal((await one.turns()).length, 2, "one boundary each");
  assert.ok((await one.records()).length > length);
  assert.notEqual((await one.row()).currentRunId, runId);
});

agentRow(76, async () => {
  const zombie = made.host;
  const one = talk("talk");
  await one.open();
  const seq = await one.submit("/count 600 20");
  await one.streaming(60);
  zombie.signal("SIGSTOP");
  made.host = await made.start(FILES);
  await eventually(async () => starts(await one.records()).length === 2, "the takeover");
  zombie.signal("SIGCONT");
  const turn = await one.covered(seq);
  const [, second] = turn.chunks.filter(({ type }) => type === "start");
  const after = turn.chunks.slice(turn.chunks.indexOf(second));
  const words = after.filter(({ type }) => type === "text-delta").map(({ delta }) => delta);
  assert.deepEqual(words, Array.from({ length: 600 }, (_, n) => `word-${n + 1} `),
    "nothing of the zombie is between");
  assert.equal((await one.turns()).length, 1, "one boundary");
  await zombie.stop("SIGKILL");
});

const starts = (all) => all.filter(({ data }) => data?.type === "start");
