// Head starts that the gateway makes, and that fail (R-HDS-15, R-HDS-17, R-HDS-18): before the
// first token the agent answers, afterwards there is an error; what was shown is kept, once.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { runs } from "@trigger.dev/sdk";
import { freePort } from "../harness.mjs";
import { sessions } from "../lib/sdk.mjs";
import { closings } from "../lib/wire.mjs";
import { stage } from "./lib/stage.mjs";
import { PATIENCE, ofType } from "./lib/started.mjs";
import {
  atRest, breaks, cool, fateOf, gate, onlyId, refuses, says, stored, vanishes, warmAgent,
  warmModel,
} from "./lib/warm.mjs";
import { messageText } from "./lib/talk.mjs";

const model = await warmModel();
const nobody = `http://127.0.0.1:${await freePort()}/v1`;
const made = await stage(["headstart", "context"], { agents: [
  model.agent("starter"), model.agent("pinned"), model.agent("hydrated"), model.agent("own-store"),
  warmAgent("sleeper", { url: nobody }),
].join("") });
await made.start(["../pinned/headstart"]);
const talk = (agent = "starter") => made.talk(agent, { patience: PATIENCE });

/** The agent made the whole answer, as if there had been no head start. */
async function skipped(one, turn) {
  assert.equal(turn.text, `heard hi ${one.chat}`);
  assert.equal(ofType(turn, "error").length, 0);
  const id = onlyId(turn);
  const saved = await stored(one, [`hi ${one.chat}`, turn.text]);
  assert.equal(saved[1].id, id);
  assert.equal((await one.turn("next")).text, `heard hi ${one.chat} | next`);
  await atRest(one, 2);
}

for (const agent of ["starter", "pinned"]) {
  describe(`before the first token (${agent})`, { concurrency: 8 }, () => {
    for (const [what, step] of [["an error", refuses()], ["it hangs up", vanishes()],
      ["it hangs up in its answer", breaks("")], ["it says nothing", says("")]]) {
      test(what, async () => {
        const one = talk(agent);
        model.tell(one.chat, step, refuses(), refuses());
        await one.open();
        await skipped(one, await one.turn(`hi ${one.chat}`));
      });
    }

    test("in a later turn", async () => {
      const one = talk(agent);
      model.tell(one.chat, says("One."), refuses());
      await one.open();
      await one.turn(`hi ${one.chat}`);
      await cool(one);
      const turn = await one.turn("next");
      assert.equal(turn.text, `heard hi ${one.chat} | next`);
      await stored(one, [`hi ${one.chat}`, "One.", "next", turn.text]);
      await atRest(one, 2);
    });

    test("the agent is up before it fails", async (t) => {
      const one = talk(agent);
      const before = gate();
      t.after(before.open);
      model.tell(one.chat, refuses({ before }));
      await one.open();
      const seq = await one.submit(`hi ${one.chat}`);
      await model.asked(one.chat);
      await one.noted("onBoot");
      before.open();
      await skipped(one, await one.covered(seq));
    });
  });

  describe(`behind some text (${agent})`, { concurrency: 8 }, () => {
    test("the model hangs up", async () => {
      const one = talk(agent);
      model.tell(one.chat, breaks("Hello from "));
      await one.open();
      const turn = await one.turn(`hi ${one.chat}`);
      assert.equal(turn.text, "Hello from ");
      assert.equal(ofType(turn, "error").length, 1, turn.types.join(" "));
      assert.equal((await one.fates())[0].fate, "rejected");
      const id = onlyId(turn);
      const saved = await stored(one, [`hi ${one.chat}`, "Hello from "]);
      assert.equal(saved[1].id, id);
      const next = await one.turn("next");
      assert.equal(next.text, `heard hi ${one.chat} | next`);
      const after = await one.saved((some) => some.length === 4);
      assert.equal(messageText(after[1]), "Hello from ", "kept, and once");
      await atRest(one, 2);
    });

    test("the message can be regenerated", async () => {
      const one = talk(agent);
      model.tell(one.chat, breaks("Hello from "));
      await one.open();
      await one.turn(`hi ${one.chat}`);
      const turn = await one.covered(await one.payload({ trigger: "regenerate-message" }));
      assert.equal(turn.text, `heard hi ${one.chat}`);
      await stored(one, [`hi ${one.chat}`, turn.text]);
      await atRest(one, 2);
    });

    test("in a later turn", async () => {
      const one = talk(agent);
      model.tell(one.chat, says("One."), breaks("Hello from "));
      await one.open();
      await one.turn(`hi ${one.chat}`);
      await cool(one);
      const turn = await one.turn("second");
      assert.equal(ofType(turn, "error").length, 1);
      await stored(one, [`hi ${one.chat}`, "One.", "second", "Hello from "]);
      const next = await one.turn("next");
      assert.equal(next.text, `heard hi ${one.chat} | second | next`);
      const after = await one.saved((some) => some.length === 6);
      assert.deepEqual(after.slice(0, 4).map(messageText),
        [`hi ${one.chat}`, "One.", "second", "Hello from "]);
      await atRest(one, 3);
    });
  });
}

describe("around it", { concurrency: 8 }, () => {
  test("nobody listens where the model should be", async () => {
    const one = talk("sleeper");
    await one.open();
    await skipped(one, await one.turn(`hi ${one.chat}`));
  });

  test("another tab sends while the step runs", async (t) => {
    const one = talk();
    const hold = gate();
    t.after(hold.open);
    model.tell(one.chat, says("Hello from here.", { hold }));
    await one.open();
    await one.submit(`hi ${one.chat}`);
    await one.streaming(6);
    const seqs = [await one.submit("two"), await one.submit("three")];
    hold.open();
    await one.covered(seqs[1]);
    const turns = await one.turns();
    assert.equal(turns[0].text, "Hello from here.");
    assert.equal(turns.at(-1).text, `heard hi ${one.chat} | two | three`);
    for (const seq of seqs) assert.equal((await fateOf(one, seq)).fate, "answered");
    const saved = await one.saved((some) => messageText(some.at(-1)) === turns.at(-1).text);
    assert.deepEqual(saved.filter(({ role }) => role === "user").map(messageText),
      [`hi ${one.chat}`, "two", "three"]);
    await atRest(one, turns.length);
  });

  test("another tab sends in front of a failure", async (t) => {
    const one = talk();
    const hold = gate();
    t.after(hold.open);
    model.tell(one.chat, breaks("Hello from ", { hold }));
    await one.open();
    await one.submit(`hi ${one.chat}`);
    await one.streaming(6);
    const seq = await one.submit("two");
    hold.open();
    const turn = await one.covered(seq);
    assert.equal(turn.text, `heard hi ${one.chat} | two`);
    const [first] = await one.turns();
    assert.deepEqual([first.text, ofType(first, "error").length], ["Hello from ", 1]);
    await atRest(one, 2);
  });

  test("the session is closed while the step runs", async (t) => {
    const one = talk();
    const hold = gate();
    t.after(hold.open);
    model.tell(one.chat, says("Hello from here.", { hold }));
    await one.open();
    const asked = await one.submit(`hi ${one.chat}`);
    await one.streaming(6);
    await sessions.close(one.chat, { reason: "enough" });
    hold.open();
    await closings(one.gw, one.chat);
    await fateOf(one, asked);
    assert.equal((await one.turns()).length, 1, "one boundary");
    const fates = await one.fates();
    assert.ok(fates.every(({ fate }) => fate !== null), JSON.stringify(fates));
  });

  for (const agent of ["hydrated", "own-store"]) {
    test(`an agent that keeps its history elsewhere gets none later (${agent})`, async () => {
      const one = talk(agent);
      model.tell(one.chat, says("One."), says("Two."));
      await one.open();
      await one.turn(`hi ${one.chat}`);
      const { currentRunId } = await one.row();
      await runs.cancel(currentRunId);
      await one.ended(currentRunId);
      const turn = await one.turn("next");
      assert.equal(turn.text, `heard hi ${one.chat} | next`);
      assert.ok(model.asks(one.chat).length <= 1);
      await atRest(one, 2);
    });
  }
});
