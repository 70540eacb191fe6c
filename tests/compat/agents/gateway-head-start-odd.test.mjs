// Head starts that the gateway makes, and whose agent does not do its part though its process is
// there (R-HDS-14, R-HDS-18): it boots for ever, or too late, or not at all, or rejects what it is
// handed over, or lacks the tool that is called.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { openGate } from "./fixtures/lib/notes.mjs";
import { stage } from "./lib/stage.mjs";
import { PATIENCE, handedOver, ofType } from "./lib/started.mjs";
import { atRest, calls, fateOf, gate, onlyId, refuses, says, stored, warmModel }
  from "./lib/warm.mjs";

const HELLO = "Hello from here.";
const model = await warmModel();
const late = { wait: "300ms" };
const lacks = { tools: [{ name: "nothing", parameters: { type: "object" } }] };
const made = await stage(["headstart"], { agents: [model.agent("gated", late),
  model.agent("slow", late), model.agent("picky"), model.agent("pinned-picky"),
  model.agent("broken"), model.agent("pinned", lacks)].join("") });
await made.start(["../pinned/headstart"]);
const talk = (agent) => made.talk(agent, { patience: PATIENCE });
const whole = (hold) => says(HELLO, { hold });
const called = (hold) => calls([["weather", { city: "Rome" }]], { hold });

/** The turn ended with an error behind what was shown, which is kept. */
async function failed(one, seq, shown) {
  const turn = await one.covered(seq);
  assert.equal(turn.text, shown);
  assert.equal(ofType(turn, "error").length, 1, turn.types.join(" "));
  assert.equal((await fateOf(one, seq)).fate, "rejected");
  const id = onlyId(turn);
  const saved = await stored(one, [`hi ${one.chat}`, shown]);
  assert.equal(saved[1].id, id);
  assert.equal(one.notes("weather").length, 0, "no tool ran");
}

for (const agent of ["gated", "slow"]) {
  describe(`an agent that boots for ever (${agent})`, { concurrency: 4 }, () => {
    for (const [what, step, shown] of [["the whole answer", whole, HELLO],
      ["calls", called, "Let me see. "]]) {
      test(`${what}: the turn ends, and the agent answers the next once it is up`, async (t) => {
        const one = talk(agent);
        const hold = gate();
        t.after(() => [hold.open(), openGate(`boot-${one.chat}`)]);
        model.tell(one.chat, step(hold));
        await one.open();
        const seq = await one.submit(`hi ${one.chat}`);
        // The time that it has begins with the end of the step.
        await one.noted("onBoot");
        hold.open();
        await failed(one, seq, shown);
        // Nothing may come of the run that was given up, which may be in its boot still.
        const next = await one.submit("next");
        await model.asked(one.chat, 2);
        openGate(`boot-${one.chat}`);
        assert.equal((await one.covered(next)).text, `heard hi ${one.chat} | next`);
        await stored(one, [`hi ${one.chat}`, shown, "next", `heard hi ${one.chat} | next`]);
        await atRest(one, 2);
        assert.equal(one.notes("weather").length, 0, "no tool ran of what was given up");
      });
    }

    test("one that is up before the next message", async () => {
      const one = talk(agent);
      model.tell(one.chat, says(HELLO), says("Two."));
      await one.open();
      const seq = await one.submit(`hi ${one.chat}`);
      await failed(one, seq, HELLO);
      openGate(`boot-${one.chat}`);
      assert.equal((await one.turn("next")).text, "Two.");
      assert.equal((await one.turn("last")).text, `heard hi ${one.chat} | next | last`);
      await atRest(one, 3);
    });
  });
}

describe("an agent whose runs fail while they boot", { concurrency: 4 }, () => {
  test("behind the whole answer", async () => {
    const one = talk("broken");
    model.tell(one.chat, says(HELLO));
    await one.open();
    await failed(one, await one.submit(`hi ${one.chat}`), HELLO);
    await atRest(one, 1);
  });

  test("behind calls", async () => {
    const one = talk("broken");
    model.tell(one.chat, called());
    await one.open();
    await failed(one, await one.submit(`hi ${one.chat}`), "Let me see. ");
    await atRest(one, 1);
  });

  test("behind a step that failed as well", async () => {
    const one = talk("broken");
    model.tell(one.chat, refuses());
    await one.open();
    const seq = await one.submit(`hi ${one.chat}`);
    const turn = await one.covered(seq);
    assert.equal(ofType(turn, "error").length, 1, turn.types.join(" "));
    assert.equal((await fateOf(one, seq)).fate, "rejected");
    await atRest(one, 1);
  });
});

for (const agent of ["picky", "pinned-picky"]) {
  describe(`an agent that rejects the hand-over (${agent})`, { concurrency: 4 }, () => {
    for (const [what, step, shown] of [["the whole answer", whole, HELLO],
      ["calls", called, "Let me see. "]]) {
      test(`${what}: an error, once, and nothing that was said is lost`, async () => {
        const one = talk(agent);
        model.tell(one.chat, step());
        await one.open();
        const turn = await one.turn(`hi ${one.chat}`);
        assert.equal(turn.text, shown, "what was shown stays, once");
        assert.equal(ofType(turn, "error").length, 1, turn.types.join(" "));
        assert.equal(one.notes("onTurnStart").length, 1, "nobody is handed it again");
        assert.equal(one.notes("weather").length, 0);
        const next = await one.turn("next");
        assert.equal(next.text, `heard hi ${one.chat} | next`);
        assert.equal(ofType(next, "error").length, 0);
        await atRest(one, 2);
      });
    }
  });
}

describe("an agent that lacks the tool that is called", { concurrency: 4 }, () => {
  for (const [what, said] of [["behind some text", "Let me see. "], ["without a word", ""]]) {
    test(what, async () => {
      const one = talk("pinned");
      model.tell(one.chat, calls([["nothing", { a: 1 }]], { said }));
      await one.open();
      const turn = await one.turn(`hi ${one.chat}`);
      onlyId(turn);
      assert.ok(turn.text.startsWith(said), turn.text);
      assert.equal((await handedOver(one)).length, 1);
      const next = await one.turn("next");
      assert.equal(next.text, `heard hi ${one.chat} | next`);
      await atRest(one, 2);
    });
  }
});
