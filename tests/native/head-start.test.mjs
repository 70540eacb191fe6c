// Head starts by the gateway, for agents in every language.

import assert from "node:assert/strict";
import { describe, it, test } from "node:test";
import { gateway } from "../compat/harness.mjs";
import { proxy } from "../compat/lib/proxy.mjs";
import { eventually } from "../compat/lib/wire.mjs";
import { chat, textOf } from "./lib/chat.mjs";
import { scriptedModel } from "./lib/model.mjs";
import { SUITE_AGENTS, start } from "./lib/workers.mjs";
import { HEAD_STARTS, plain } from "./suite/head-start.mjs";

const model = await scriptedModel();

/** A gateway that makes the first steps of the suite's agents; `more`: keys of the head start. */
const warm = (more = "") => gateway({ agents: Object.values(SUITE_AGENTS).map(({ agent }) => `
[[agent]]
id = "${agent}"
backend = "link"
head_start = { backend = "openai", url = "${model.url}", model = "m", wait = "20s"${more} }
`).join("") });

const gw = await warm();
const objects = ["delete_file", "show_map", "nothing"]
  .map((name) => `{ name = "${name}", parameters = { type = "object" } }`).join(", ");
const listed = await warm(`, tools = [${objects}]`);

for (const [language, { agent, command }] of Object.entries(SUITE_AGENTS)) {
  start(gw, command);
  start(listed, command);
  describe(`head starts, ${language}`, { concurrency: 4 }, () => {
    for (const { name, play } of HEAD_STARTS) it(name, () => play(gw, agent));

    for (const approved of [true, false]) {
      it(`an approval that the agent asks for is ${approved ? "given" : "refused"}`, async () => {
        const talk = await chat(listed, agent);
        await talk.settled(await talk.say('model call delete_file {"name":"a"}'));
        const [, asked] = await talk.transcript();
        assert.deepEqual(plain(asked).map(({ state }) => state), ["approval-requested"]);
        assert.deepEqual(await talk.settled(await talk.approve(approved)), []);
        const [, answer] = await talk.transcript();
        assert.equal(answer.id, asked.id);
        assert.equal(plain(answer).at(-1).text, approved ? "Deleted a." : "Kept a.");
        assert.deepEqual(await talk.reduced(), answer);
      });
    }

    it("a call that the client answers", async () => {
      const talk = await chat(listed, agent);
      await talk.settled(await talk.say('model call show_map {"city":"Rome"}'));
      const [, asked] = await talk.transcript();
      const [call] = plain(asked);
      assert.equal(call.state, "input-available");
      const part = { ...call, state: "output-available", output: "shown" };
      const seq = await talk.append({ trigger: "submit-message",
        message: { id: asked.id, role: "assistant", parts: [part] } });
      assert.deepEqual(await talk.settled(seq), []);
      const [, answer] = await talk.transcript();
      assert.deepEqual(plain(answer).map(({ state, text }) => [state, text]),
        [["output-available", undefined], ["done", 'Then: "shown".']]);
    });

    it("a call of a tool that the agent does not have", async () => {
      const talk = await chat(listed, agent);
      assert.deepEqual(await talk.settled(await talk.say("model call nothing {}")), []);
      const [, answer] = await talk.transcript();
      assert.equal(plain(answer)[0].errorText, 'this agent has no tool "nothing"');
      assert.match(plain(answer)[1].text, /^Then: this agent has no tool "nothing"\.$/);
    });

    for (const [name, ask, shows] of [
      ["the step", "model text Tick. + hang", (talk) => talk.shows("Tick.")],
      ["a tool", "model call sleeps {}", (talk) => eventually(() =>
        talk.out.some(({ data }) => data?.type === "tool-input-available"), "the call")],
    ]) {
      it(`a stop in ${name} ends the turn, and the next one is answered`, async () => {
        const talk = await chat(gw, agent);
        const seq = await talk.say(ask);
        await shows(talk);
        await talk.stop();
        assert.deepEqual(await talk.settled(seq), []);
        assert.deepEqual(await talk.settled(await talk.say("say on")), []);
        assert.deepEqual(plain((await talk.transcript()).at(-1)).map(({ text }) => text), ["on"]);
      });
    }

    it("what the model is told: the history, and the tools that need no approval", async () => {
      const talk = await chat(gw, agent);
      const ask = `model text Told ${language}.`;
      await talk.settled(await talk.say(ask));
      const asked = model.requests.find(({ messages }) => JSON.stringify(messages).includes(ask));
      const names = asked.tools.map(({ function: { name } }) => name).sort();
      assert.deepEqual(names, ["breaks", "delete_file", "search", "show_map", "sleeps"]);
      const search = asked.tools.find(({ function: { name } }) => name === "search");
      assert.deepEqual(search.function.parameters.required, ["query"]);
    });
  });

  test(`the step of an agent of ${language} is made while it boots`, async () => {
    const own = await warm();
    const first = start(own, command);
    // What an agent takes over is known once it was registered.
    const other = await chat(own, agent);
    await other.settled(await other.say("say on"));
    first.kill("SIGKILL");
    await first.ended;
    const talk = await chat(own, agent);
    const seq = await talk.say('model text One moment. + call search {"query":"a"}');
    await talk.shows("One moment.");
    start(own, command);
    assert.deepEqual(await talk.settled(seq), []);
    assert.match(textOf(talk.out), /^One moment\.Then: \{"found":"a"\}\.$/);
    assert.deepEqual(await talk.reduced(), (await talk.transcript()).at(-1));
  });

  test(`the link of ${language} is cut while it waits for the hand-over`, async () => {
    const own = await warm();
    const link = await proxy(own.port);
    start(own, command, { url: link.url });
    const talk = await chat(own, agent);
    const seq = await talk.say('model text Slow. + wait 800 + call search {"query":"a"}');
    await talk.shows("Slow.");
    const before = await link.drop();
    await eventually(() => link.connections > before, "the link after the cut");
    assert.deepEqual(await talk.settled(seq), []);
    assert.equal(textOf(talk.out), 'Slow.Then: {"found":"a"}.');
    await link.close();
  });

  test(`a worker of ${language} that is lost before the hand-over is replaced`, async () => {
    const own = await warm();
    const first = start(own, command);
    const talk = await chat(own, agent);
    const seq = await talk.say('model text Slow. + wait 1500 + call search {"query":"a"}');
    await talk.shows("Slow.");
    first.kill("SIGKILL");
    start(own, command);
    assert.deepEqual(await talk.settled(seq), []);
    assert.equal(textOf(talk.out), 'Slow.Then: {"found":"a"}.');
  });

  test(`a worker of ${language} that is lost in a tool ends the turn`, async () => {
    const own = await warm();
    const first = start(own, command);
    const talk = await chat(own, agent);
    const seq = await talk.say("model text One. + call sleeps {}");
    // Both are there before the hand-over; the tool runs a moment later.
    await eventually(() => talk.out.some(({ data }) => data?.type === "finish-step"), "the step");
    await new Promise((later) => setTimeout(later, 500));
    first.kill("SIGKILL");
    start(own, command);
    assert.notDeepEqual(await talk.settled(seq), []);
    assert.deepEqual(await talk.settled(await talk.say("say on")), []);
  });
}
