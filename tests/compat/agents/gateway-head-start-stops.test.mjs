// Head starts that the gateway makes, and that somebody stops (R-HDS-19): one boundary in every
// phase, the model is let go, and no later turn is hit.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { header } from "../lib/wire.mjs";
import { openGate } from "./fixtures/lib/notes.mjs";
import { stage } from "./lib/stage.mjs";
import { PATIENCE, handedOver, ofType, soon } from "./lib/started.mjs";
import { atRest, calls, cool, fateOf, gate, lines, says, stored, warmModel } from "./lib/warm.mjs";
import { messageText } from "./lib/talk.mjs";

const model = await warmModel();
const made = await stage(["headstart"],
  { agents: ["starter", "pinned"].map((id) => model.agent(id)).join("") });
let pinned = await made.start(["../pinned/headstart"]);
const talk = (agent) => made.talk(agent, { patience: PATIENCE });

/** A chat whose step waits for `hold`, or `before` its first word. */
async function stepping(t, agent, gates, text = "Hello from here.") {
  const one = talk(agent);
  t.after(() => Object.values(gates).forEach((some) => some.open()));
  model.tell(one.chat, says(text, gates));
  await one.open();
  const asked = await one.submit(`hi ${one.chat}`);
  const entry = await model.asked(one.chat);
  return { one, asked, entry };
}

/** The stop ended turn `count` alone; the next message has the history, and can be regenerated. */
async function endedBy(one, seq, { count = 1, heard }) {
  assert.deepEqual(await fateOf(one, seq), { seq, fate: "applied", turn: count });
  await one.settled(count);
  const turn = (await one.turns())[count - 1];
  assert.equal(ofType(turn, "error").length, 0, turn.types.join(" "));
  const next = await one.turn("next");
  assert.equal(next.text, `heard ${[...heard, "next"].join(" | ")}`);
  assert.equal(next.types.at(-1), "finish", "nothing cut it");
  const again = await one.covered(await one.payload({ trigger: "regenerate-message" }));
  assert.equal(again.text, next.text);
  await atRest(one, count + 2);
  return turn;
}

for (const agent of ["starter", "pinned"]) {
  describe(agent, { concurrency: 8 }, () => {
    test("before the first token", async (t) => {
      const { one, entry } = await stepping(t, agent, { before: gate() });
      const seq = await one.stop();
      await soon(entry.cut, "the end of the model's socket");
      assert.deepEqual(await fateOf(one, seq), { seq, fate: "applied", turn: 1 });
      const [boundary, ...more] = await one.records();
      assert.deepEqual([header(boundary, "trigger-control"), more], ["turn-complete", []]);
      const next = await one.turn("next");
      assert.equal(next.text, `heard hi ${one.chat} | next`);
      const again = await one.covered(await one.payload({ trigger: "regenerate-message" }));
      assert.equal(again.text, next.text);
    });

    test("in the middle of the step", async (t) => {
      const { one, asked, entry } = await stepping(t, agent, { hold: gate() });
      await one.streaming(6);
      const seq = await one.stop();
      await soon(entry.cut, "the end of the model's socket");
      await one.settled(1);
      assert.deepEqual(await handedOver(one), []);
      const turn = await endedBy(one, seq, { heard: [`hi ${one.chat}`] });
      assert.equal(turn.text, "Hello from ");
      assert.deepEqual(await fateOf(one, asked), { seq: asked, fate: "answered", turn: 1 });
      const saved = await one.saved((some) => some.length === 4);
      assert.equal(messageText(saved[1]), "Hello from ", "what was shown is kept");
    });

    test("in the middle of a step of a later turn", async (t) => {
      const one = talk(agent);
      const hold = gate();
      t.after(hold.open);
      model.tell(one.chat, says("One."), says("Hello from here.", { hold }));
      await one.open();
      await one.turn(`hi ${one.chat}`);
      await cool(one);
      await one.submit("second");
      const entry = await model.asked(one.chat, 2);
      await one.streaming(6);
      const seq = await one.stop();
      await soon(entry.cut, "the end of the model's socket");
      await endedBy(one, seq, { count: 2, heard: [`hi ${one.chat}`, "second"] });
      const saved = await one.saved((some) => some.length === 6);
      assert.deepEqual(saved.slice(0, 4).map(messageText),
        [`hi ${one.chat}`, "One.", "second", "Hello from "]);
    });

    test("the message that was stopped can be regenerated", async (t) => {
      const { one } = await stepping(t, agent, { hold: gate() });
      await one.streaming(6);
      await one.stop();
      await one.settled(1);
      const turn = await one.covered(await one.payload({ trigger: "regenerate-message" }));
      assert.equal(turn.text, `heard hi ${one.chat}`);
      await stored(one, [`hi ${one.chat}`, turn.text]);
      await atRest(one, 2);
    });

    test("the message behind it gets one again", async (t) => {
      const { one } = await stepping(t, agent, { hold: gate() });
      await one.streaming(6);
      await one.stop();
      await one.settled(1);
      model.tell(one.chat, says("Two."));
      const next = await one.turn("next");
      assert.equal(next.text, "Two.");
      assert.deepEqual(lines(model.asks(one.chat)[1]),
        [`user:hi ${one.chat}`, "assistant:Hello from ", "user:next"]);
      await stored(one, [`hi ${one.chat}`, "Hello from ", "next", "Two."]);
      assert.equal((await one.turn("last")).text, `heard hi ${one.chat} | next | last`);
      await atRest(one, 3);
    });

    test("twice", async (t) => {
      const { one, entry } = await stepping(t, agent, { hold: gate() });
      await one.streaming(6);
      const seq = await one.stop();
      const late = await one.stop();
      await soon(entry.cut, "the end of the model's socket");
      await one.settled(1);
      assert.equal((await fateOf(one, seq)).fate, "applied");
      assert.equal((await fateOf(one, late)).fate, "applied");
      const next = await one.turn("next");
      assert.equal(next.text, `heard hi ${one.chat} | next`);
    });
  });
}

test("while the agent runs the tool that it was handed", async (t) => {
  const one = talk("pinned");
  t.after(() => openGate(one.chat));
  const said = `/tool pause {"key":"${one.chat}"}`;
  model.tell(one.chat, calls([["pause", { key: one.chat }]]));
  await one.open();
  await one.submit(said);
  await one.noted("pause");
  const seq = await one.stop();
  const [turn] = await one.settled(1);
  assert.ok(!turn.text.includes("gave"), "step 2 did not come to its model");
  assert.deepEqual(await fateOf(one, seq), { seq, fate: "applied", turn: 1 });
  const next = await one.turn("next");
  assert.equal(next.text, `heard ${said} | next`);
  assert.equal(next.types.at(-1), "finish");
  assert.equal(one.notes("pause").length, 1);
  await atRest(one, 2);
});

for (const agent of ["starter", "pinned"]) {
  test(`while the agent goes on behind the text (${agent})`, async () => {
    const one = talk(agent);
    const said = `/count 2000 10 ${one.chat}`;
    model.tell(one.chat, calls([["delete", {}]]));
    await one.open();
    await one.submit(said);
    await one.streaming(40);
    const seq = await one.stop();
    const turn = await endedByAgent(one, seq);
    assert.ok(turn.text.startsWith("Let me see. word-1 "), turn.text.slice(0, 40));
    const next = await one.turn("next");
    assert.equal(next.text, `heard ${said} | next`);
    await atRest(one, 2);
  });
}

async function endedByAgent(one, seq) {
  const [turn] = await one.settled(1);
  assert.deepEqual(await fateOf(one, seq), { seq, fate: "applied", turn: 1 });
  return turn;
}

// ---- the agent's process is away, so one after the other ---------------------------------------

for (const [what, step, shown] of [
  ["the whole answer", says("Hello from here."), "Hello from here."],
  ["calls", (...all) => calls([["weather", { city: "Rome" }]])(...all), "Let me see. "],
]) {
  test(`behind the hand-over of ${what}, before the agent is up`, async () => {
    const one = talk("pinned");
    await pinned.stop("SIGKILL");
    model.tell(one.chat, step);
    await one.open();
    await one.submit(`hi ${one.chat}`);
    const fate = async () => (await handedOver(one)).length === 1;
    await soon((async () => {
      while (!(await fate())) await new Promise((done) => setTimeout(done, 20));
    })(), "the hand-over");
    const seq = await one.stop();
    const [turn] = await one.settled(1);
    assert.equal(turn.text, shown);
    pinned = await made.start(["../pinned/headstart"]);
    await endedBy(one, seq, { heard: [`hi ${one.chat}`] });
    const saved = await one.saved((some) => some.length === 4);
    assert.equal(messageText(saved[1]), shown);
    assert.equal(one.notes("weather").length, 0, "no tool ran");
  });
}
