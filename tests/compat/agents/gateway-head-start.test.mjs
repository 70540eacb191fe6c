// Head starts that the gateway makes (R-HDS-11 to R-HDS-17), and that go well: text. The agents are
// published ones, and know nothing of it.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { say, textOf } from "../lib/chats.mjs";
import { stage } from "./lib/stage.mjs";
import { PATIENCE, handedOver, ofType, soon } from "./lib/started.mjs";
import {
  atRest, cool, fateOf, gate, kept, lines, onlyId, says, stored, thinks, warmModel,
} from "./lib/warm.mjs";

const model = await warmModel();
const made = await stage(["headstart"],
  { agents: ["starter", "pinned", "sleeper"].map((id) => model.agent(id)).join("") });
let pinned = await made.start(["../pinned/headstart"]);
const talk = (agent) => made.talk(agent, { patience: PATIENCE });
const HELLO = "Hello from here.";

/** The step's answer to a message is the turn's, and the agent has stored it. */
async function tookOver(one, turn, number) {
  assert.deepEqual(turn.types.filter((type) => type !== "text-delta"),
    ["start", "start-step", "text-start", "text-end", "finish-step", "finish"]);
  assert.equal(turn.text, HELLO);
  const fates = await handedOver(one);
  assert.deepEqual(fates.at(-1), { fate: "applied", turn: number });
  return onlyId(turn);
}

for (const agent of ["starter", "pinned", "sleeper"]) {
  describe(agent, { concurrency: 8 }, () => {
    test("the first message, right behind the create", async () => {
      const one = talk(agent);
      model.tell(one.chat, says(HELLO));
      await one.open();
      const hi = say(`hi ${one.chat}`);
      const seq = await one.submit(hi);
      const [turn] = await one.settled(1);
      const id = await tookOver(one, turn, 1);
      assert.deepEqual(await fateOf(one, seq), { seq, fate: "answered", turn: 1 });
      assert.deepEqual(lines(model.asks(one.chat)[0]), [`user:hi ${one.chat}`]);
      const [done] = await one.noted("onTurnComplete");
      assert.deepEqual([done.roles, done.response, done.error],
        [["user", "assistant"], id, undefined]);
      assert.equal(one.notes("run").length, 0, "the agent's model is not asked");
      const saved = await stored(one, [`hi ${one.chat}`, HELLO]);
      assert.deepEqual(saved.map((message) => message.id), [hi.id, id]);
      await atRest(one, 1);
    });

    test("an agent that is warm gets none", async () => {
      const one = talk(agent);
      model.tell(one.chat, says(HELLO));
      await one.open();
      await one.turn(`hi ${one.chat}`);
      const next = await one.turn("next");
      assert.equal(next.text, `heard hi ${one.chat} | next`);
      assert.equal(model.asks(one.chat).length, 1, "only the first one");
      await stored(one, [`hi ${one.chat}`, HELLO, "next", next.text]);
      assert.equal(one.notes("onTurnComplete").length, 2);
      await atRest(one, 2);
    });

    test("the next message finds its run gone", async () => {
      const one = talk(agent);
      model.tell(one.chat, says("One."), says(HELLO));
      await one.open();
      await one.turn(`hi ${one.chat}`);
      await cool(one);
      const turn = await one.turn("next");
      const id = await tookOver(one, turn, 2);
      assert.deepEqual(lines(model.asks(one.chat)[1]),
        [`user:hi ${one.chat}`, "assistant:One.", "user:next"]);
      const saved = await stored(one, [`hi ${one.chat}`, "One.", "next", HELLO]);
      assert.equal(saved.at(-1).id, id);
      assert.equal(one.notes("run").length, 0, "the agent's model is never asked");
      const last = await one.turn("last");
      assert.equal(last.text, `heard hi ${one.chat} | next | last`);
      await stored(one, [`hi ${one.chat}`, "One.", "next", HELLO, "last", last.text]);
      await atRest(one, 3);
    });
  });
}

describe("around it", { concurrency: 8 }, () => {
  test("a page sees the whole turn as ever, from its first message on", async () => {
    const one = talk("starter");
    const hold = gate();
    model.tell(one.chat, says(HELLO, { hold }));
    const answer = one.ask(`hi ${one.chat}`);
    await one.streaming(5);
    hold.open();
    const chunks = await soon(answer, "the answer");
    assert.equal(textOf(chunks), HELLO);
    const [turn] = await one.settled(1);
    assert.deepEqual(turn.chunks, chunks);
    const next = await soon(one.ask("next"), "the next answer");
    assert.equal(textOf(next), `heard hi ${one.chat} | next`);
    await atRest(one, 2);
  });

  test("a create whose payload has the message", async () => {
    const one = talk("starter");
    model.tell(one.chat, says(HELLO));
    const hi = say(`hi ${one.chat}`);
    await one.open({ trigger: "submit-message", message: hi });
    const [turn] = await one.settled(1);
    const id = await tookOver(one, turn, 1);
    const saved = await stored(one, [`hi ${one.chat}`, HELLO]);
    assert.deepEqual(saved.map((message) => message.id), [hi.id, id]);
    assert.equal((await one.turn("next")).text, `heard hi ${one.chat} | next`);
    await atRest(one, 2);
  });

  test("several cold turns, one after the other", async () => {
    const one = talk("starter");
    const said = ["One.", "Two.", "Three.", "Four."];
    model.tell(one.chat, ...said.map((text) => says(text)));
    await one.open();
    const heard = [`user:hi ${one.chat}`];
    for (const [at, text] of said.entries()) {
      const turn = await one.turn(at === 0 ? `hi ${one.chat}` : `again ${at}`);
      assert.equal(turn.text, text);
      assert.deepEqual(lines(model.asks(one.chat)[at]), heard);
      heard.push(`assistant:${text}`, `user:again ${at + 1}`);
      await cool(one);
    }
    assert.equal(one.notes("onTurnComplete").length, 4);
    assert.equal(one.notes("run").length, 0);
    await atRest(one, 4);
  });

  test("what it thought is shown and kept", async () => {
    const one = talk("starter");
    model.tell(one.chat, thinks("Let me think.", HELLO));
    await one.open();
    const turn = await one.turn(`hi ${one.chat}`);
    assert.deepEqual(ofType(turn, "reasoning-delta").map(({ delta }) => delta), ["Let me think."]);
    const saved = await stored(one, [`hi ${one.chat}`, HELLO]);
    const thought = saved[1].parts.find(({ type }) => type === "reasoning");
    assert.equal(thought?.text, "Let me think.");
    await atRest(one, 1);
  });

  test("an edit of a message is the agent's", async () => {
    const one = talk("starter");
    model.tell(one.chat, says(HELLO));
    await one.open();
    const hi = say(`hi ${one.chat}`);
    await one.turn(hi);
    await stored(one, [`hi ${one.chat}`, HELLO]);
    await cool(one);
    const turn = await one.turn(say("edited", hi.id));
    assert.deepEqual(turn.types, [], "which leaves a message that it knows as it is");
    assert.equal(model.asks(one.chat).length, 1);
    await atRest(one, 2);
  });

  test("a regenerate is the agent's", async () => {
    const one = talk("starter");
    model.tell(one.chat, says(HELLO));
    await one.open();
    await one.turn(`hi ${one.chat}`);
    await stored(one, [`hi ${one.chat}`, HELLO]);
    await cool(one);
    const turn = await one.covered(await one.payload({ trigger: "regenerate-message" }));
    assert.equal(turn.text, `heard hi ${one.chat}`);
    assert.equal(model.asks(one.chat).length, 1);
    await stored(one, [`hi ${one.chat}`, turn.text]);
    await atRest(one, 2);
  });
});

// ---- the agent's process goes, so one after the other ------------------------------------------

for (const [how, signal] of [["killed", "SIGKILL"], ["stopped", "SIGTERM"]]) {
  test(`the host was ${how}, and another version comes`, async () => {
    const one = talk("pinned");
    model.tell(one.chat, says("One."), says(HELLO));
    await one.open();
    await one.turn(`hi ${one.chat}`);
    await kept(one);
    await pinned.stop(signal);
    const seq = await one.submit("next");
    await one.streaming(HELLO.length);
    assert.equal((await one.turns()).length, 1, "nobody is there to end the turn");
    pinned = await made.start(["../pinned/headstart"], { version: `v-${how}` });
    const turn = await one.covered(seq);
    await tookOver(one, turn, 2);
    await stored(one, [`hi ${one.chat}`, "One.", "next", HELLO]);
    assert.equal(one.notes("run").length, 0);
    assert.equal((await one.turn("last")).text, `heard hi ${one.chat} | next | last`);
    await atRest(one, 3);
  });
}
