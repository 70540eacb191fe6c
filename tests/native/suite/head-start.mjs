// Plays head starts against one agent of the suite, whose gateway has the model of
// `lib/model.mjs` for its first steps.

import assert from "node:assert/strict";
import { chat } from "../lib/chat.mjs";

const said = (text) => ({ type: "text", text, state: "done" });
const called = (name, number, input, end) => ({ type: `tool-${name}`, toolCallId: `call-${number}`,
  input, state: "output-available", ...end });
const found = (number, query) =>
  called("search", number, { query }, { output: { found: query } });
const failed = (name, number, input, errorText) =>
  called(name, number, input, { state: "output-error", errorText });

/** What is asked, and the parts of the answer; `error`: of the turn. */
const CASES = [
  { name: "a text is the answer, and the agent is not asked", ask: "model text Hello from here.",
    parts: [said("Hello from here.")] },
  { name: "a model that refuses leaves the answer to the agent", ask: "say one two",
    parts: [said("one two")] },
  { name: "a call is executed, and the agent goes on in the same message",
    ask: 'model call search {"query":"a"}',
    parts: [found(1, "a"), said('Then: {"found":"a"}.')] },
  { name: "a text before calls, and two of them",
    ask: 'model text Let me see. + call search {"query":"a"} + call search {"query":"b"}',
    parts: [said("Let me see."), found(1, "a"), found(2, "b"),
      said('Then: {"found":"a"}, {"found":"b"}.')] },
  { name: "a tool that fails, and an input that is invalid",
    ask: "model call breaks {} + call search {}",
    parts: [failed("breaks", 1, {}, "no luck"),
      failed("search", 2, {}, 'invalid input for tool "search": input.query is missing'),
      said('Then: no luck, invalid input for tool "search": input.query is missing.')] },
  { name: "a text before a call that needs an approval: the agent goes on behind the text",
    ask: 'model text One moment. + call delete_file {"name":"a"}',
    parts: [said("One moment."), said("Then: nothing.")] },
  { name: "a model that breaks off after a text ends the turn",
    ask: "model text Half + wait 50 + break", parts: [said("Half")], error: true },
];

/** The cases' names, each with a function that plays it against `agent`. */
export const HEAD_STARTS = CASES.map((one) =>
  ({ name: one.name, play: (gw, agent) => play(gw, agent, one) }));

async function play(gw, agent, { ask, parts, error = false }) {
  const talk = await chat(gw, agent);
  const errors = await talk.settled(await talk.say(ask));
  assert.equal(errors.length > 0, error, errors.join());
  const messages = await talk.transcript();
  assert.deepEqual(messages.map(({ role }) => role), ["user", "assistant"]);
  assert.deepEqual(plain(messages[1]), parts);
  assert.deepEqual(await talk.reduced(), messages[1], "what readers reduce is what is stored");
  if (error) return;
  // The worker has served the session now: it is warm, and answers itself.
  assert.deepEqual(await talk.settled(await talk.say("model text Never.")), []);
  assert.deepEqual(plain((await talk.transcript()).at(-1)), [said("Ran.")]);
}

export const plain = ({ parts }) => parts.filter(({ type }) => type !== "step-start")
  .map(({ providerMetadata, callProviderMetadata, ...part }) => part);
