// Hedged head starts (R-HDS-21) for agents in every language: two models over real sockets are
// asked, the first token wins, and the other one's connection is closed at once.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { gateway } from "../compat/harness.mjs";
import {
  LOSS_MAX, OTHER, PLACES, byHand, hedged, quiet, race, tellBoth, tokens, twoModels,
} from "../compat/agents/lib/hedge.mjs";
import { breaks, calls, gate, refuses, says, vanishes } from "../compat/agents/lib/warm.mjs";
import { eventually } from "../compat/lib/wire.mjs";
import { chat, textOf } from "./lib/chat.mjs";
import { SUITE_AGENTS, start } from "./lib/workers.mjs";
import { plain } from "./suite/head-start.mjs";

const HELLO = "Hello from here.";
const models = await twoModels();
const gw = await gateway({ agents: Object.values(SUITE_AGENTS)
  .map(({ agent }) => hedged(agent, models, 'wait = "20s"')).join("") });

/** Tells both models, asks, and waits until both are asked. */
async function begin(t, agent, steps, gates = []) {
  const talk = await chat(gw, agent);
  t.after(() => gates.forEach((some) => some.open()));
  const both = tellBoth(models, talk.id, steps);
  const seq = await talk.say(`say ${talk.id}`);
  const [main, hedge] = await both;
  return { talk, seq, asked: { main, hedge } };
}

/** The turn ended in one answer, which is stored, and the agent answers the next message. */
async function answered(talk, seq, parts) {
  assert.deepEqual(await talk.settled(seq), []);
  const [, answer, ...more] = await talk.transcript();
  assert.deepEqual([plain(answer).map(({ text, output }) => text ?? output), more], [parts, []]);
  assert.deepEqual(await talk.reduced(), answer, "what readers reduce is what is stored");
  const starts = talk.out.filter(({ data }) => data?.type === "start");
  assert.deepEqual([...new Set(starts.map(({ data }) => data.messageId))], [answer.id]);
  assert.deepEqual(await talk.settled(await talk.say("say on")), []);
  assert.deepEqual(plain((await talk.transcript()).at(-1)).map(({ text }) => text), ["on"]);
}

/** Waits for the end of a connection: it does not wait for anything that the test does later. */
const cutOff = (entry, what) => eventually(() => !entry.isOpen, `the end of ${what}`);

for (const [language, { agent, command }] of Object.entries(SUITE_AGENTS)) {
  start(gw, command);
  for (const winner of PLACES) {
    const loser = OTHER[winner];
    describe(`${language}, ${winner} wins`, { concurrency: 4 }, () => {
      for (const [what, head] of [["has not answered", false], ["has begun its answer", true]]) {
        it(`the other one, which ${what}, is cut off while the first goes on`, async (t) => {
          const hold = gate();
          const { talk, seq, asked } = await begin(t, agent,
            { [winner]: says(HELLO, { hold }), [loser]: quiet({ head }) }, [hold]);
          await cutOff(asked[loser], loser);
          assert.ok(asked[winner].isOpen);
          hold.open();
          await answered(talk, seq, [HELLO]);
        });
      }

      it("a call is a first token, though it is not shown yet", async (t) => {
        const hold = gate();
        const step = calls([["search", { query: "a" }]], { said: "", hold });
        const { talk, seq, asked } = await begin(t, agent,
          { [winner]: step, [loser]: quiet({ head: true }) }, [hold]);
        await cutOff(asked[loser], loser);
        assert.equal(talk.out.length, 0);
        hold.open();
        await answered(talk, seq, [{ found: "a" }, 'Then: {"found":"a"}.']);
      });

      it("one that breaks off behind its first token is not replaced", async (t) => {
        const hold = gate();
        const { talk, seq, asked } = await begin(t, agent,
          { [winner]: breaks("Half", { hold }), [loser]: quiet() }, [hold]);
        await cutOff(asked[loser], loser);
        hold.open();
        assert.equal((await talk.settled(seq)).length, 1);
        assert.deepEqual(plain((await talk.transcript())[1]).map(({ text }) => text), ["Half"]);
        assert.equal(models[loser].asks(talk.id).length, 1);
      });

      for (const [what, step] of [["refuses", refuses], ["hangs up", vanishes],
        ["hangs up in its answer", () => breaks("")]]) {
        it(`the other one ${what} before that`, async (t) => {
          const before = gate();
          const { talk, seq, asked } = await begin(t, agent,
            { [loser]: step(), [winner]: says(HELLO, { before }) }, [before]);
          await cutOff(asked[loser], loser);
          before.open();
          await answered(talk, seq, [HELLO]);
        });
      }
    });
  }

  describe(`${language}, both`, { concurrency: 4 }, () => {
    it("speak at once and go on: one answer, and the other one costs little", async (t) => {
      const hands = { main: byHand(), hedge: byHand() };
      const { talk, seq } = await begin(t, agent,
        { main: hands.main.step, hedge: hands.hedge.step });
      const shown = (count) => eventually(() => {
        const text = textOf(talk.out);
        return text.split(" ").length > count && text;
      }, `token ${count}`);
      const end = await race(hands, shown, LOSS_MAX);
      await cutOff(end.lost, OTHER[end.winner]);
      t.diagnostic(`${OTHER[end.winner]} said ${end.cost} tokens before it was cut off`);
      assert.ok(end.cost < LOSS_MAX, `it cost ${end.cost} tokens`);
      end.reply.end("stop");
      await answered(talk, seq, [tokens(end.winner, LOSS_MAX)]);
    });

    for (const [what, main, hedge] of [["refuse", refuses, refuses],
      ["hang up", vanishes, vanishes], ["fail, each in its way", () => breaks(""), refuses]]) {
      it(`${what}: the agent answers`, async (t) => {
        const { talk, seq } = await begin(t, agent, { main: main(), hedge: hedge() });
        await answered(talk, seq, [talk.id]);
      });
    }

    for (const [what, head] of [["have not answered", false], ["have begun", true]]) {
      it(`${what}, and a stop cancels them`, async (t) => {
        const { talk, seq, asked } = await begin(t, agent,
          { main: quiet({ head }), hedge: quiet({ head }) });
        await talk.stop();
        for (const place of PLACES) await cutOff(asked[place], place);
        assert.deepEqual(await talk.settled(seq), []);
        assert.equal(textOf(talk.out), "");
        assert.deepEqual(await talk.settled(await talk.say("say on")), []);
        assert.equal(textOf(talk.out), "on");
      });
    }
  });
}
