// What an operator sees of head starts of agents in every language: each step, its hand-over and
// its cancellation, in the span of its turn.

import assert from "node:assert/strict";
import { test } from "node:test";
import { gateway } from "../compat/harness.mjs";
import { TRACED, traced } from "../compat/lib/trace.mjs";
import { eventually } from "../compat/lib/wire.mjs";
import { chat } from "./lib/chat.mjs";
import { scriptedModel } from "./lib/model.mjs";
import { SUITE_AGENTS, start } from "./lib/workers.mjs";

const model = await scriptedModel();
const gw = await gateway({ config: TRACED, agents: Object.values(SUITE_AGENTS)
  .map(({ agent }) => `
[[agent]]
id = "${agent}"
backend = "link"
head_start = { backend = "openai", url = "${model.url}", model = "m" }
`).join("") });

const STEP = ["a first step begins", "the first token", "the first step is over"];
const HANDED = "the step is handed over";

/** What the trace of a session's only turn says, up to an event. */
async function trace(talk, last) {
  const found = await eventually(() => {
    const events = traced(gw, talk.id).filter(({ fields }) => fields.turn === 1);
    return events.some(({ what }) => what === last) && events;
  }, `“${last}” in the trace of ${talk.id}`);
  for (const { spans, what } of found) {
    assert.deepEqual(spans.slice(0, 3), ["session", "turn", "backend"], what);
    if (what.includes("first")) assert.equal(spans[3], "head_start", what);
  }
  return found;
}

for (const [language, { agent, command }] of Object.entries(SUITE_AGENTS)) {
  start(gw, command);
  for (const [name, ask, outcome, before] of [
    ["the whole answer", "model text Hello.", "Final", STEP],
    ["calls", 'model call search {"query":"a"}', "Calls", STEP],
    ["nothing", "say one", "Skip", [STEP[0], "the first step failed"]],
  ]) {
    test(`a step that is ${name} is handed over to an agent of ${language}`, async () => {
      const talk = await chat(gw, agent);
      assert.deepEqual(await talk.settled(await talk.say(ask)), []);
      const events = await trace(talk, HANDED);
      assert.deepEqual(events.map(({ what }) => what), [...before, HANDED]);
      assert.equal(events.at(-1).fields.outcome, outcome);
    });
  }

  test(`a step that is stopped, of an agent of ${language}`, async () => {
    const talk = await chat(gw, agent);
    const seq = await talk.say("model text Tick. + hang");
    await talk.shows("Tick.");
    await talk.stop();
    await talk.settled(seq);
    const last = "the first step is cancelled";
    const events = await trace(talk, last);
    assert.deepEqual(events.map(({ what }) => what), [...STEP.slice(0, 2), last]);
  });
}
