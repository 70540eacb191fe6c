// A page whose answer begins in the gateway and goes on in an unmodified agent: one message,
// wherever it is reloaded or stopped.

import assert from "node:assert/strict";
import { test } from "node:test";
import { stage as agentStage } from "../compat/agents/lib/stage.mjs";
import { handler } from "../compat/lib/head-start.mjs";
import { BOUNDARY, PLACES, WHOLE, agreed, journey, openAll, shown } from "./lib/journey.mjs";
import { idle, newChat, say, stop } from "./lib/page.mjs";
import { stage } from "./lib/stage.mjs";
import { stepModel, stepParts } from "./lib/step-model.mjs";

const model = await stepModel();
const agents = `
[[agent]]
id = "slow"
backend = "link"
[agent.head_start]
backend = "openai"
url = "${model.url}"
model = "m"
wait = "120s"
tools = [{ name = "pause", parameters = { type = "object" } }]
`;
const made = await agentStage(["../pinned/headstart"], { agents });

/** The customer's route of the published form, with the same step. */
async function route(request) {
  const { chatId } = await request.clone().json();
  return handler("slow", stepParts(model.of(chatId), chatId))(request);
}

const { app, pages, open, noErrors } = await stage(made.gw, { agent: "slow", route });

/** A chat, its page, and what there is of it on the gateway. */
async function begin(command, published) {
  const one = made.talk("slow", { chat: newChat("start"), patience: 60 });
  const page = await open(published ? `${pages}/hydrated/${one.chat}?route=/route`
    : `${app}/chat/${one.chat}`);
  return { one, page, model, command };
}

/** Reloads at the places that `at` names; gives what all agree on in the end. */
async function reloading(command, at, published = false) {
  const trip = await begin(command, published);
  const ids = new Set();
  let place = 0;
  for await (const _ of journey(trip)) {
    const last = (await shown(trip.page)).at(-1);
    if (last.role === "assistant") ids.add(last.id);
    if (at(place)) await trip.page.reload();
    place += 1;
  }
  assert.equal(place, PLACES[command].length);
  const messages = await agreed(trip);
  assert.deepEqual(messages.map(({ role }) => role), ["user", "assistant"]);
  assert.deepEqual(messages[1].parts, WHOLE[command]);
  assert.deepEqual([...ids], [messages[1].id], "one id from the first chunk to the last");
  noErrors();
  await trip.page.close();
}

/** Stops at a place; what is shown by then stays, and the chat goes on. */
async function stopping(command, at) {
  const trip = await begin(command);
  const { one, page } = trip;
  let place = 0;
  for await (const _ of journey(trip)) {
    if (place === at) break;
    place += 1;
  }
  await stop(page);
  // An agent that boots has no part in the end of the turn.
  const [turn] = await one.settled(1);
  assert.ok(!turn.types.includes("error"), "a stop is no error");
  await idle(page);
  const booting = at <= PLACES[command].indexOf(BOUNDARY);
  if (booting) assert.deepEqual(one.notes("onChatStart"), [], "it boots still");
  openAll(one, model);
  await say(page, "next");
  await one.settled(2);
  await idle(page);
  const messages = await agreed(trip, { cut: true });
  assert.match(messages.at(-1).parts[0][1], /next/);
  await page.reload();
  assert.deepEqual(await agreed(trip), messages);
  noErrors();
  await page.close();
}

for (const command of ["/talk", "/held"]) {
  const places = PLACES[command];
  test(`${command}: no reload`, () => reloading(command, () => false));
  for (const [at, place] of places.entries()) {
    test(`${command}: a reload ${place}`, () => reloading(command, (k) => k === at));
  }
  test(`${command}: a reload at every place`, () => reloading(command, () => true));
  for (const [at, place] of places.slice(0, -1).entries()) {
    test(`${command}: a stop ${place}`, () => stopping(command, at));
  }
}

// A page that leaves a route in its step ends that step: so it is upstream.
const ROUTED = PLACES["/held"].indexOf(BOUNDARY);

test("a published route: no reload", () => reloading("/held", () => false, true));
for (const [at, place] of PLACES["/held"].entries()) {
  if (at < ROUTED) continue;
  test(`a published route: a reload ${place}`, () => reloading("/held", (k) => k === at, true));
}
test("a published route: a reload at every place behind its step", () =>
  reloading("/held", (k) => k >= ROUTED, true));
