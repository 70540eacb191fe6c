// Rows 8, 9, 35–38, 42, 53–55, 64, 97: how runs boot, wait, park and end.

import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { eventually } from "../lib/wire.mjs";
import { agentRow } from "./lib/row.mjs";
import { random } from "./lib/random.mjs";
import { shared } from "./lib/stage.mjs";

const { talk } = await shared();

const LONG = process.env.TIDEGATE_LONG === "1";

agentRow(8, async () => {
  const one = talk("hooked");
  await one.transport.preload(one.chat);
  // It parks when nothing came, sooner or later; only then is there no hook left to be called.
  await one.noted("onChatSuspend");
  assert.deepEqual(one.notes().map(({ what }) => what), ["onBoot", "onPreload", "onChatSuspend"]);
  assert.equal(one.notes("onChatSuspend")[0].phase, "preload");
  const before = await one.records();
  assert.ok(before.every(({ data }) => data.type === "data-hook"), "hooks alone wrote");
  const seq = await one.submit("hi");
  const { text } = await one.covered(seq);
  assert.equal(text, "heard hi");
  const [{ preloaded }] = one.notes("onChatStart");
  assert.equal(preloaded, true);
  assert.equal(one.notes("onBoot").length, 1, "the run that was preloaded answered");
});

agentRow(9, async () => {
  const one = talk("impatient");
  const { runId } = await one.open();
  assert.equal((await one.ended(runId)).status, "COMPLETED");
  const written = await one.records();
  assert.deepEqual(written.map(({ data }) => data.type), ["data-hook"], "the hook alone wrote");
  assert.equal((await one.turn("hi")).text, "heard hi");
  assert.deepEqual(one.notes("onBoot").map(({ continuation }) => continuation), [false, true]);
});

agentRow(35, async () => {
  const one = talk("ender");
  const { runId } = await one.open();
  await one.turn("one");
  assert.equal((await one.turn("two")).text, "heard one | two");
  assert.equal(one.notes("onChatSuspend").length, 0, "it did not park between");
  assert.equal((await one.row()).currentRunId, runId);
  assert.equal(one.notes("onBoot").length, 1);
});

agentRow(36, async () => {
  const one = talk("hooked");
  await one.open();
  await one.turn("one");
  await eventually(() => one.notes("onChatSuspend").some(({ phase }) => phase === "turn"));
  assert.equal((await one.turn("two")).text, "heard one | two");
  await eventually(() => one.notes("onChatResume").some(({ phase }) => phase === "turn"));
  assert.equal(one.notes("onBoot").length, 1, "the same run woke up");
});

agentRow(37, async (t) => {
  const rounds = LONG ? 125 : 13;
  const { next, seed } = random();
  t.diagnostic(`seed ${seed}`);
  const chats = await Promise.all(Array.from({ length: LONG ? 8 : 4 }, async () => {
    const one = talk("nap");
    await one.open();
    return one;
  }));
  await Promise.all(chats.map(async (one) => {
    for (let n = 0; n < rounds; n += 1) {
      const seq = await one.submit(`m${n}`);
      await one.covered(seq);
      // The run parks 50 ms after its boundary: append just before, at, and after that.
      await sleep(next(100));
    }
  }));
  for (const one of chats) {
    const fates = await one.fates();
    assert.deepEqual(fates.map(({ fate }) => fate), Array(rounds).fill("answered"));
    assert.equal((await one.turns()).length, rounds);
  }
}, LONG ? { timeout: 900_000 } : {});

agentRow(38, async () => {
  const one = talk("dozer");
  const { runId } = await one.open();
  await one.turn("one");
  assert.equal((await one.ended(runId)).status, "COMPLETED");
  assert.equal((await one.turns()).length, 1, "it ended in silence");
  assert.equal((await one.turn("two")).text, "heard one | two", "with its whole history");
  assert.notEqual((await one.row()).currentRunId, runId);
});

agentRow(42, async () => {
  const one = talk("ender");
  const { runId } = await one.open();
  await one.turn("/end");
  await one.ended(runId);
  const seqs = await Promise.all(Array.from({ length: 50 }, (_, n) => one.submit(`m${n}`)));
  await one.covered(Math.max(...seqs));
  assert.equal(one.notes("onBoot").length, 2, "exactly one run booted");
  assert.equal((await one.runs()).length, 2);
  const fates = await one.fates();
  assert.deepEqual(fates.map(({ fate }) => fate), Array(51).fill("answered"));
  assert.equal((await one.turns()).length, 51);
});

agentRow(53, async () => {
  const one = talk("two-turns");
  await one.open();
  for (const text of ["one", "two"]) await one.turn(text);
  const third = await one.covered(await one.submit("three"));
  assert.equal(third.text, "heard one | two | three", "without a fourth append");
  assert.equal(new Set(one.notes("onBoot").map(({ runId }) => runId)).size, 2);
});

agentRow(53, async () => {
  const one = talk("two-turns");
  await one.open();
  const seqs = [];
  for (const text of ["/count 20 10", "b", "c", "d", "e"]) seqs.push(await one.submit(text));
  await one.covered(Math.max(...seqs));
  assert.equal((await one.turns()).length, 5, "each answered once");
}, { detail: "five at once over three runs" });

agentRow(53, async () => {
  const one = talk("stillborn");
  await one.open();
  const seq = await one.submit("anyone?");
  const turn = await one.covered(seq);
  assert.deepEqual(turn.types, ["error"], "a visible end, not a loop");
  assert.equal((await one.turns()).length, 1);
  const boots = one.notes("onBoot").length;
  assert.ok(boots >= 2 && boots <= 6, `${boots} attempts`);
}, { detail: "a run that can't boot ends in one error" });

agentRow(54, async () => {
  const one = talk("ender");
  const { runId } = await one.open();
  const turn = await one.turn("/end");
  assert.equal(turn.text, "heard /end");
  assert.equal((await one.ended(runId)).status, "COMPLETED");
  assert.equal((await one.turn("on")).text, "heard /end | on");
  const boots = one.notes("onBoot");
  assert.deepEqual(boots.map(({ continuation }) => continuation), [false, true]);
  assert.notEqual(boots[1].runId, runId);
});

agentRow(55, async () => {
  const one = talk("two-turns");
  const { runId } = await one.open();
  for (const text of ["one", "two", "three"]) await one.turn(text);
  assert.equal((await one.ended(runId)).status, "COMPLETED");
  const texts = (await one.turns()).map(({ text }) => text);
  assert.deepEqual(texts, ["heard one", "heard one | two", "heard one | two | three"]);
});

agentRow(64, async () => {
  const one = talk("ender");
  const { runId } = await one.open();
  await one.turn("hi");
  const before = (await one.records()).length;
  const close = await one.payload({ trigger: "close" });
  assert.equal((await one.ended(runId)).status, "COMPLETED");
  assert.equal((await one.records()).length, before, "in silence");
  // The run's end is committed first, then what needs no run takes effect.
  const { fate } = await eventually(async () =>
    (await one.fates()).find((some) => some.seq === close && some.fate));
  assert.equal(fate, "applied");
  assert.equal((await one.turn("again")).text, "heard hi | again");
  assert.equal((await one.row()).closedAt, null);
});

agentRow(97, async () => {
  const one = talk("framed");
  const { runId } = await one.open();
  await one.turn("hi");
  await one.payload({ trigger: "close" });
  await one.ended(runId);
  const [done] = await one.noted("onComplete");
  assert.equal(done.ok, true);
  assert.deepEqual(one.notes().map(({ what }) => what), ["onStart", "onComplete"]);
});
