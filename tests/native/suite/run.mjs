// Plays the suite of turns against one agent of a gateway.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { chat } from "../lib/chat.mjs";

const { cases } = JSON.parse(readFileSync(new URL("turns.json", import.meta.url), "utf8"));

/** The cases' names, each with a function that plays it against `agent`. */
export const CASES = cases.map((one) =>
  ({ name: one.name, play: (gw, agent) => play(gw, agent, one) }));

async function play(gw, agent, { steps, messages }) {
  const talk = await chat(gw, agent);
  for (const step of steps) await perform(talk, step);
  const found = await talk.transcript();
  const ids = found.map(({ id }) => id);
  assert.equal(new Set(ids).size, ids.length, `ids are used twice: ${ids}`);
  assert.deepEqual(found.map(plain), messages.map(expected));
  assert.deepEqual(await talk.reduced(), found.filter(({ role }) => role === "assistant").at(-1),
    "what readers reduce from .out is what is stored");
}

async function perform(talk, step) {
  const send = () => {
    if (step.say !== undefined) return talk.say(step.say, step.metadata);
    if (step.regenerate) return talk.regenerate();
    if (step.approve !== undefined) return talk.approve(step.approve);
    return talk.act(step.action);
  };
  const seq = await send();
  if (step.stopAfter !== undefined) {
    await talk.shows(step.stopAfter);
    await talk.stop();
  }
  if (step.wait === false) return;
  const errors = await talk.settled(seq);
  if (step.error === undefined) assert.deepEqual(errors, []);
  else assert.ok(errors.some((text) => text.includes(step.error)), `${errors} lacks ${step.error}`);
}

const expected = ({ role, parts, text }) =>
  ({ role, parts: parts ?? [{ type: "text", text }] });

const plain = ({ role, parts }) =>
  ({ role, parts: parts.filter(({ type }) => type !== "step-start") });
