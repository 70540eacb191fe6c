// Head starts that the gateway makes, and whose step calls tools (R-HDS-12, R-HDS-14): the agent
// runs them, never the gateway. With `ai` 6.0.201, and with the newest, which takes only text.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { stage } from "./lib/stage.mjs";
import { PATIENCE, handedOver, ofType } from "./lib/started.mjs";
import { atRest, calls, cool, lines, onlyId, says, stored, warmModel } from "./lib/warm.mjs";

const model = await warmModel();
const made = await stage(["headstart"],
  { agents: ["starter", "pinned"].map((id) => model.agent(id)).join("") });
await made.start(["../pinned/headstart"]);
const talk = (agent = "pinned") => made.talk(agent, { patience: PATIENCE });
const weather = (one) => ["weather", { city: one.chat }];
const asking = (one) => `/tool weather {"city":"${one.chat}"}`;
const gave = (one) => `weather gave {"city":"${one.chat}","celsius":12} after ${asking(one)}`;

/** Creates the session and asks for the weather right away. */
async function ask(one, step, message = asking(one)) {
  model.tell(one.chat, step);
  await one.open();
  return one.turn(message);
}

/** The text of the newest stored message's parts of a tool. */
const parts = (saved, name) => saved.at(-1).parts.filter(({ type }) => type === `tool-${name}`);

describe("with calls", { concurrency: 8 }, () => {
  test("the agent runs the tool, once, and goes on in the same message", async () => {
    const one = talk();
    const turn = await ask(one, calls([weather(one)]));
    const id = onlyId(turn);
    assert.equal(turn.text, `Let me see. ${gave(one)}`);
    assert.equal(ofType(turn, "start-step").length, 2);
    assert.equal(ofType(turn, "tool-input-available").length, 1, turn.types.join(" "));
    assert.equal(ofType(turn, "tool-output-available").length, 1);
    assert.equal(ofType(turn, "error").length, 0);
    assert.equal(one.notes("weather").length, 1);
    assert.deepEqual(await handedOver(one), [{ fate: "applied", turn: 1 }]);
    const saved = await stored(one, [asking(one), turn.text]);
    assert.equal(saved[1].id, id);
    const [part] = parts(saved, "weather");
    assert.deepEqual([part.state, part.output],
      ["output-available", { city: one.chat, celsius: 12 }]);
    assert.equal((await one.turn("next")).text, `heard ${asking(one)} | next`);
    assert.equal(one.notes("weather").length, 1);
    await atRest(one, 2);
  });

  test("two calls at once", async () => {
    const one = talk();
    const turn = await ask(one, calls([weather(one), ["weather", { city: "Oslo" }]]));
    onlyId(turn);
    assert.deepEqual(ofType(turn, "tool-output-available").map(({ output }) => output.city).sort(),
      ["Oslo", one.chat].sort());
    assert.equal(one.notes("weather").length, 2);
    const saved = await stored(one, [asking(one), turn.text]);
    assert.deepEqual(parts(saved, "weather").map(({ state }) => state),
      ["output-available", "output-available"]);
    await atRest(one, 1);
  });

  test("a call without a word before it", async () => {
    const one = talk();
    const turn = await ask(one, calls([weather(one)], { said: "" }));
    onlyId(turn);
    assert.equal(turn.text, gave(one));
    assert.equal(one.notes("weather").length, 1);
    await stored(one, [asking(one), turn.text]);
    await atRest(one, 1);
  });

  test("a tool that fails", async () => {
    const one = talk();
    const turn = await ask(one, calls([["broken", {}]]), `/tool broken {"x":"${one.chat}"}`);
    assert.equal(ofType(turn, "tool-output-error").length, 1, turn.types.join(" "));
    assert.ok(turn.text.startsWith("Let me see. broken gave"), "the model hears of it");
    onlyId(turn);
    await atRest(one, 1);
  });

  test("in a later turn whose agent is cold", async () => {
    const one = talk();
    model.tell(one.chat, says("One."), calls([weather(one)]));
    await one.open();
    await one.turn(`hi ${one.chat}`);
    await cool(one);
    const turn = await one.turn(asking(one));
    const id = onlyId(turn);
    assert.equal(turn.text, `Let me see. ${gave(one)}`);
    assert.equal(one.notes("weather").length, 1);
    const saved = await stored(one, [`hi ${one.chat}`, "One.", asking(one), turn.text]);
    assert.equal(saved.at(-1).id, id);
    const next = await one.turn("next");
    assert.equal(next.text, `heard hi ${one.chat} | ${asking(one)} | next`);
    await atRest(one, 3);
  });

  test("a later step's model is told of the call and of its result", async () => {
    const one = talk();
    await ask(one, calls([weather(one)]));
    model.tell(one.chat, says("Two."));
    await cool(one);
    const turn = await one.turn("next");
    assert.equal(turn.text, "Two.");
    const { messages } = model.asks(one.chat)[1].body;
    assert.deepEqual(messages.map(({ role }) => role),
      ["user", "assistant", "tool", "assistant", "user"], JSON.stringify(messages));
    assert.equal(messages[1].tool_calls.length, 1);
    assert.ok(lines(model.asks(one.chat)[1])[2].includes("12"), "the result");
    await atRest(one, 2);
  });

  test("arguments that nobody can read", async () => {
    const one = talk();
    const turn = await ask(one, calls([["weather", '{"city":']]));
    onlyId(turn);
    assert.equal(ofType(turn, "error").length, 0, turn.types.join(" "));
    assert.ok(turn.text.startsWith("Let me see. "), turn.text);
    await stored(one, [asking(one), turn.text]);
    assert.equal((await one.turn("next")).text, `heard ${asking(one)} | next`);
    await cool(one);
    const last = await one.turn("last");
    assert.equal(last.text, `heard ${asking(one)} | next | last`);
    await atRest(one, 3);
  });
});

for (const agent of ["starter", "pinned"]) {
  describe(`what can't be handed over (${agent})`, { concurrency: 8 }, () => {
    for (const [what, name] of [["a tool that is not in the list", "delete"],
      ["a tool that needs an approval", "pay"]]) {
      test(what, async () => {
        const one = talk(agent);
        const hi = `hi ${one.chat}`;
        const turn = await ask(one, calls([[name, {}]]), hi);
        const id = onlyId(turn);
        assert.equal(turn.text, `Let me see. heard ${hi}`, "the agent goes on behind the text");
        assert.ok(!turn.types.some((type) => type.startsWith("tool-")), turn.types.join(" "));
        const saved = await stored(one, [hi, turn.text]);
        assert.equal(saved[1].id, id);
        assert.equal(one.notes("run").length, 1);
        await atRest(one, 1);
      });

      test(`${what}, without a word`, async () => {
        const one = talk(agent);
        const hi = `hi ${one.chat}`;
        const turn = await ask(one, calls([[name, {}]], { said: "" }), hi);
        onlyId(turn);
        assert.equal(turn.text, `heard ${hi}`, "the agent answers");
        assert.ok(!turn.types.some((type) => type.startsWith("tool-")), turn.types.join(" "));
        await stored(one, [hi, turn.text]);
        await atRest(one, 1);
      });
    }

    test("one of two", async () => {
      const one = talk(agent);
      const turn = await ask(one, calls([weather(one), ["delete", {}]]));
      onlyId(turn);
      assert.equal(turn.text, `Let me see. ${gave(one)}`, "the agent asks for it by itself");
      assert.equal(one.notes("weather").length, 1);
      assert.equal(ofType(turn, "tool-input-available").length, 1);
      await stored(one, [asking(one), turn.text]);
      await atRest(one, 1);
    });
  });
}

describe("with the newest ai", { concurrency: 8 }, () => {
  test("the agent goes on behind the text, and calls the tool itself", async () => {
    const one = talk("starter");
    const turn = await ask(one, calls([weather(one)]));
    const id = onlyId(turn);
    assert.equal(turn.text, `Let me see. ${gave(one)}`);
    assert.equal(one.notes("weather").length, 1);
    assert.equal(ofType(turn, "tool-input-available").length, 1, "only the agent's");
    assert.equal(ofType(turn, "tool-output-denied").length, 0);
    const saved = await stored(one, [asking(one), turn.text]);
    assert.equal(saved[1].id, id);
    assert.equal((await one.turn("next")).text, `heard ${asking(one)} | next`);
    await atRest(one, 2);
  });

  test("without a word the agent makes the step", async () => {
    const one = talk("starter");
    const turn = await ask(one, calls([weather(one)], { said: "" }));
    onlyId(turn);
    assert.equal(turn.text, gave(one));
    assert.equal(one.notes("weather").length, 1);
    await stored(one, [asking(one), turn.text]);
    await atRest(one, 1);
  });
});
