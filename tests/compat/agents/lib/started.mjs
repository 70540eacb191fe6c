// Chats that begin with a head start, and what has to hold of them however it ends.

import assert from "node:assert/strict";
import { handler, post, serve } from "../../lib/head-start.mjs";
import { eventually, records } from "../../lib/wire.mjs";

/** How many seconds anything may take: what is slow is no fault. */
export const PATIENCE = 60;

export const WEATHER = '/tool weather {"city":"Rome"}';
export const IN_ROME = ["weather", { city: "Rome" }];

/** Posts the first message of a chat to a route that serves `step`; gives the answer. */
export async function begin(t, one, step, { first = "hi", history = [], signal, ...options } = {}) {
  const server = await serve(t, handler(one.agent, step, options));
  return post(server.url, one.chat, [...history, first], { signal });
}

/** A step that waits until its chat's `.out` has begun: what it writes then has a way to go. */
export const begun = (one, step) => async function* (signal) {
  await eventually(async () => (await one.records()).some(({ data }) => data?.type === "start"),
    `the start of ${one.chat}`, PATIENCE);
  yield* step(signal);
};

/** `work`, or an error when it takes too long. */
export function soon(work, what, seconds = PATIENCE) {
  let timer;
  const late = new Promise((_, failed) => {
    timer = setTimeout(() => failed(new Error(`${what} did not come`)), seconds * 1000);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}

export const ofType = ({ chunks }, wanted) => chunks.filter(({ type }) => type === wanted);

/** What became of the hand-overs of a chat, oldest first. */
export async function handedOver(one) {
  const inputs = await records(one.gw, one.chat, "in");
  const own = inputs.filter(({ data }) => JSON.parse(data).kind.startsWith("handover"));
  const fates = new Map((await one.fates()).map(({ seq, ...rest }) => [seq, rest]));
  return own.map(({ seqNum }) => fates.get(seqNum));
}

/** The chat goes on: the next message is answered with all of the history, in a turn of its own. */
export async function goesOn(one, before, heard) {
  const next = await one.turn("next");
  assert.equal(next.text, `heard ${[...heard, "next"].join(" | ")}`);
  assert.equal(next.types.at(-1), "finish", "nothing cut it");
  assert.equal(ofType(next, "error").length, 0);
  assert.equal((await one.turns()).length, before + 1, "one boundary each");
}

/** The head start failed: an error, once, one boundary, and nothing of what was said is lost. */
export async function failedOnce(one, { heard = ["hi"] } = {}) {
  const [turn] = await one.settled(1);
  assert.equal(ofType(turn, "error").length, 1, turn.types.join(" "));
  assert.match(ofType(turn, "error")[0].errorText, /\S/);
  await goesOn(one, 1, heard);
  return turn;
}
