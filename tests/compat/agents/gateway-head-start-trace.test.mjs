// What an operator sees of the head starts that the gateway makes: one trace for each turn, with
// the step, both models of a hedge, the hand-over, and how it ended.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { TRACED, traced } from "../lib/trace.mjs";
import { eventually } from "../lib/wire.mjs";
import { openGate } from "./fixtures/lib/notes.mjs";
import { hedged, quiet, twoModels } from "./lib/hedge.mjs";
import { stage } from "./lib/stage.mjs";
import { PATIENCE } from "./lib/started.mjs";
import { breaks, calls, cool, gate, refuses, says } from "./lib/warm.mjs";

const models = await twoModels();
const model = models.main;
const made = await stage(["../pinned/headstart"], { config: TRACED, agents: model.agent("pinned") +
  model.agent("slow", { wait: "300ms" }) + hedged("pinned-picky", models) });

const OPENED = ["a head start is opened", "a first step begins"];
const OVER = "the head start is over";
const STEP = [...OPENED, "the first token", "the first step is over"];

/** What the trace of a turn says, once its head start is over; runs may begin at any time. */
async function trace(one, number = 1) {
  const found = await eventually(() => {
    const events = traced(made.gw, one.chat).filter(({ fields }) => fields.turn === number);
    return events.some(({ what }) => what === OVER) && events;
  }, `the trace of ${one.chat}`, PATIENCE);
  for (const { spans, what } of found) assert.equal(spans.slice(0, 2).join(), "runs,turn", what);
  const step = found.filter(({ what }) => what.includes("first"));
  for (const { spans, what } of step) assert.equal(spans[2], "head_start", what);
  return found;
}

const words = (events) => events.map(({ what }) => what).filter((what) => what !== "a run begins");
const talk = (agent) => made.talk(agent, { patience: PATIENCE });

describe("a trace", { concurrency: 8 }, () => {
  test("of a step that is the whole answer, and of one that calls, in two turns", async () => {
    const one = talk("pinned");
    model.tell(one.chat, says("One."), calls([["weather", { city: "Rome" }]]));
    await one.open();
    await one.turn(`hi ${one.chat}`);
    await cool(one);
    await one.turn(`/tool weather {"city":"${one.chat}"}`);
    for (const [number, outcome, isFinal] of [[1, "Final", true], [2, "Calls", false]]) {
      const events = await trace(one, number);
      assert.deepEqual(words(events), [...STEP, "the step is handed over", OVER]);
      assert.ok(events.some(({ what }) => what === "a run begins"), "the run that takes over");
      const of = (some) => events.find(({ what }) => what === some).fields;
      assert.equal(of("the first step is over").outcome, outcome);
      assert.equal(of("the step is handed over").is_final, isFinal);
      assert.equal(of("a first step begins").hedged, false);
    }
  });

  test("of a step that is stopped", async (t) => {
    const one = talk("pinned");
    const hold = gate();
    t.after(hold.open);
    model.tell(one.chat, says("Hello from here.", { hold }));
    await one.open();
    await one.submit(`hi ${one.chat}`);
    await one.streaming(6);
    await one.stop();
    assert.deepEqual(words(await trace(one)), [...OPENED, "the first token",
      "the first step is cancelled", "the head start is given up", OVER]);
  });

  test("of a step that fails before and behind its first token", async () => {
    const silent = talk("pinned");
    model.tell(silent.chat, refuses());
    await silent.open();
    await silent.turn(`hi ${silent.chat}`);
    const events = await trace(silent);
    const failed = events.find(({ what }) => what === "the first step failed");
    assert.equal(failed.fields.kind, "Invalid");
    for (const what of ["the first token", "the head start is given up"]) {
      assert.ok(!words(events).includes(what), what);
    }
    const half = talk("pinned");
    model.tell(half.chat, breaks("Hello "));
    await half.open();
    await half.turn(`hi ${half.chat}`);
    assert.deepEqual(words(await trace(half)), [...OPENED, "the first token",
      "the first step failed", "the head start is given up", OVER]);
  });

  test("of an agent that does not take over in time", async (t) => {
    const one = talk("slow");
    t.after(() => openGate(`boot-${one.chat}`));
    model.tell(one.chat, says("One."));
    await one.open();
    await one.turn(`hi ${one.chat}`);
    assert.deepEqual(words(await trace(one)),
      [...STEP, "the step is handed over", "the head start is given up", OVER]);
  });

  test("of a hedge: who was first, and who was cancelled or failed", async () => {
    const lost = "cancelled, for the other one was first";
    for (const [other, end] of [[quiet(), lost], [refuses(), "left to the other one"]]) {
      const one = talk("pinned-picky");
      const before = gate();
      models.hedge.tell(one.chat, other);
      models.main.tell(one.chat, says("One.", { before }));
      await one.open();
      const seq = await one.submit(`hi ${one.chat}`);
      const asked = await models.hedge.asked(one.chat);
      if (end !== lost) {
        await eventually(() => traced(made.gw, one.chat).some(({ what }) => what === end),
          "the end of the other one", PATIENCE);
      }
      before.open();
      await one.covered(seq);
      await asked.cut;
      const events = await trace(one);
      const place = (some) => events.find(({ what }) => what === some).fields.place;
      assert.deepEqual([place("the first token"), place(end)], ["main", "hedge"]);
      assert.equal(events.find(({ what }) => what === OPENED[1]).fields.hedged, true);
    }
  });
});
