// Head starts of the gateway with a hedge (R-HDS-21): two models over real sockets are asked, the
// first token wins, and the other one's connection is closed at once.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { header } from "../lib/wire.mjs";
import {
  LOSS_MAX, OTHER, PLACES, byHand, hedged, quiet, race, tellBoth, tokens, twoModels,
} from "./lib/hedge.mjs";
import { stage } from "./lib/stage.mjs";
import { PATIENCE, handedOver, ofType, soon } from "./lib/started.mjs";
import {
  atRest, breaks, calls, cool, fateOf, gate, lines, onlyId, refuses, says, stored, thinks,
  vanishes,
} from "./lib/warm.mjs";

const HELLO = "Hello from here.";
const models = await twoModels();
const tools = 'tools = [{ name = "weather", parameters = { type = "object" } }]';
const made = await stage(["headstart"], { agents:
  hedged("starter", models, tools) + hedged("pinned", models, tools) +
  models.main.agent("sleeper") });
await made.start(["../pinned/headstart"]);
const talk = (agent) => made.talk(agent, { patience: PATIENCE });
const AGENTS = ["starter", "pinned"];

/** Tells both models, sends the first message, and waits until both are asked. */
async function begin(t, agent, steps, gates = [], asking = "hi") {
  const one = talk(agent);
  t.after(() => gates.forEach((some) => some.open()));
  const both = tellBoth(models, one.chat, steps);
  await one.open();
  const seq = await one.submit(`${asking} ${one.chat}`);
  const [main, hedge] = await both;
  return { one, seq, asked: { main, hedge } };
}

/** The other one is cut off by now, and nothing that it had to say is anywhere. */
async function won(one, seq, text) {
  const turn = await one.covered(seq);
  assert.equal(turn.text, text);
  assert.equal(ofType(turn, "error").length, 0, turn.types.join(" "));
  const id = onlyId(turn);
  assert.deepEqual(await handedOver(one), [{ fate: "applied", turn: 1 }]);
  const saved = await stored(one, [`hi ${one.chat}`, text]);
  assert.equal(saved[1].id, id);
  assert.equal((await one.turn("next")).text, `heard hi ${one.chat} | next`);
  for (const place of PLACES) assert.equal(models[place].asks(one.chat).length, 1, place);
  await atRest(one, 2);
}

for (const agent of AGENTS) {
  for (const winner of PLACES) {
    const loser = OTHER[winner];
    describe(`${agent}, ${winner} wins`, { concurrency: 6 }, () => {
      for (const [what, head] of [["has not answered", false], ["has begun its answer", true]]) {
        test(`the other one, which ${what}, is cut off while the first goes on`, async (t) => {
          const hold = gate();
          const { one, seq, asked } = await begin(t, agent,
            { [winner]: says(HELLO, { hold }), [loser]: quiet({ head }) }, [hold]);
          await soon(asked[loser].cut, "the end of the other one's connection");
          assert.ok(asked[winner].isOpen);
          assert.deepEqual(lines(asked[winner]), [`user:hi ${one.chat}`]);
          assert.deepEqual(lines(asked[loser]), lines(asked[winner]));
          hold.open();
          await won(one, seq, HELLO);
        });
      }

      test("a thought is a first token", async (t) => {
        const { one, seq, asked } = await begin(t, agent,
          { [winner]: thinks("Let me think.", HELLO), [loser]: quiet() });
        await soon(asked[loser].cut, "the end of the other one's connection");
        await won(one, seq, HELLO);
      });

      test("so is a call, though it is not shown yet", async (t) => {
        const hold = gate();
        const step = calls([["weather", { city: "Rome" }]], { said: "", hold });
        const { one, seq, asked } = await begin(t, agent,
          { [winner]: step, [loser]: quiet({ head: true }) }, [hold], "/tool weather");
        await soon(asked[loser].cut, "the end of the other one's connection");
        assert.deepEqual(await one.records(), []);
        hold.open();
        onlyId(await one.covered(seq));
        await atRest(one, 1);
      });

      test("one that breaks off behind its first token is not replaced", async (t) => {
        const hold = gate();
        const { one, seq, asked } = await begin(t, agent,
          { [winner]: breaks("Hello from ", { hold }), [loser]: quiet() }, [hold]);
        await soon(asked[loser].cut, "the end of the other one's connection");
        hold.open();
        const turn = await one.covered(seq);
        assert.equal(turn.text, "Hello from ");
        assert.equal(ofType(turn, "error").length, 1, turn.types.join(" "));
        await stored(one, [`hi ${one.chat}`, "Hello from "]);
        assert.equal(models[loser].asks(one.chat).length, 1);
        await atRest(one, 1);
      });

      for (const [what, step] of [["refuses", refuses], ["hangs up", vanishes],
        ["hangs up in its answer", () => breaks("")], ["says nothing", () => says("")]]) {
        test(`the other one ${what} before that`, async (t) => {
          const before = gate();
          const { one, seq, asked } = await begin(t, agent,
            { [loser]: step(), [winner]: says(HELLO, { before }) }, [before]);
          await soon(asked[loser].cut, "the end of the other one's answer");
          before.open();
          const turn = await one.covered(seq);
          assert.equal(turn.text, HELLO);
          onlyId(turn);
          assert.equal(models[winner].asks(one.chat).length, 1);
          await stored(one, [`hi ${one.chat}`, HELLO]);
          await atRest(one, 1);
        });
      }

      test("in a later turn", async (t) => {
        const { one, seq } = await begin(t, agent,
          { [winner]: says("One."), [loser]: quiet() });
        await one.covered(seq);
        await cool(one);
        const both = tellBoth(models, one.chat, { [winner]: quiet(), [loser]: says("Two.") }, 2);
        assert.equal((await one.turn("next")).text, "Two.");
        const second = (await both)[PLACES.indexOf(winner)];
        await soon(second.cut, "the end of the other one's connection");
        await stored(one, [`hi ${one.chat}`, "One.", "next", "Two."]);
        await atRest(one, 2);
      });
    });
  }

  describe(`${agent}, both`, { concurrency: 6 }, () => {
    test("speak at once and go on: one answer, and the other one costs little", async (t) => {
      const hands = { main: byHand(), hedge: byHand() };
      const { one, seq } = await begin(t, agent,
        { main: hands.main.step, hedge: hands.hedge.step });
      const length = (number) => Math.min(tokens("main", number).length,
        tokens("hedge", number).length);
      const end = await race(hands, (number) => one.streaming(length(number)), LOSS_MAX);
      await soon(end.lost.cut, "the end of the other one's connection");
      t.diagnostic(`${OTHER[end.winner]} said ${end.cost} tokens before it was cut off`);
      assert.ok(end.cost < LOSS_MAX, `it cost ${end.cost} tokens`);
      end.reply.end("stop");
      await won(one, seq, tokens(end.winner, LOSS_MAX));
    });

    for (const [what, main, hedge] of [["refuse", refuses, refuses],
      ["hang up", vanishes, vanishes],
      ["fail, each in its way", () => breaks(""), refuses],
      ["fail, the other way round", refuses, () => says("")]]) {
      test(`${what}: the agent answers`, async (t) => {
        const { one, seq } = await begin(t, agent, { main: main(), hedge: hedge() });
        const turn = await one.covered(seq);
        assert.equal(turn.text, `heard hi ${one.chat}`);
        assert.equal(ofType(turn, "error").length, 0, turn.types.join(" "));
        onlyId(turn);
        await stored(one, [`hi ${one.chat}`, turn.text]);
        await atRest(one, 1);
      });
    }

    for (const [what, head] of [["have not answered", false], ["have begun", true]]) {
      test(`${what}, and a stop cancels them`, async (t) => {
        const { one, asked } = await begin(t, agent,
          { main: quiet({ head }), hedge: quiet({ head }) });
        const seq = await one.stop();
        for (const place of PLACES) await soon(asked[place].cut, `the end of ${place}`);
        assert.deepEqual(await fateOf(one, seq), { seq, fate: "applied", turn: 1 });
        const [boundary, ...more] = await one.records();
        assert.deepEqual([header(boundary, "trigger-control"), more], ["turn-complete", []]);
        assert.equal((await one.turn("next")).text, `heard hi ${one.chat} | next`);
        await atRest(one, 2);
      });
    }
  });
}

test("without one in the configuration nobody else is asked", async () => {
  const one = talk("sleeper");
  models.main.tell(one.chat, says(HELLO));
  models.hedge.tell(one.chat, says("Never."));
  await one.open();
  assert.equal((await one.turn(`hi ${one.chat}`)).text, HELLO);
  assert.equal(models.hedge.asks(one.chat).length, 0);
  await atRest(one, 1);
});
