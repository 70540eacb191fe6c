// A question whose answer is begun in the gateway and held at each of its chunks.

import assert from "node:assert/strict";
import { openGate } from "../../compat/agents/fixtures/lib/notes.mjs";
import { eventually } from "../../compat/lib/wire.mjs";
import { idle, say } from "./page.mjs";

/** What a page shows: messages with their ids and parts. */
export const shown = (page) => page.locator("section").evaluateAll((nodes) => nodes.map((node) => ({
  id: node.dataset.id, role: node.dataset.role,
  parts: [...node.children].flatMap((part) => {
    if (part.tagName === "EM") return [["reasoning", part.textContent]];
    if (part.dataset.part === "text") return [["text", part.textContent]];
    return part.dataset.part ? [[part.dataset.part, part.dataset.state]] : [];
  }),
})));

/** The same of stored messages. */
export const stored = (messages) => messages.map(({ id, role, parts }) => ({ id, role,
  parts: parts.flatMap(({ type, text, state }) => {
    if (type === "reasoning" || type === "text") return [[type, text]];
    return type.startsWith("tool-") ? [[type, state]] : [];
  }) }));

/** Waits until the newest answer shows exactly `parts`. */
export const shows = (page, parts) => eventually(async () => {
  const last = (await shown(page)).at(-1);
  const now = JSON.stringify(last?.role === "assistant" ? last.parts : []);
  return now === JSON.stringify(parts) || (shows.last = now, false);
}, `${JSON.stringify(parts)} on the page`).catch((error) => {
  throw new Error(`${error.message}; it shows ${shows.last}`);
});

const THINKS = ["reasoning", "I need a tool."];
const SEES = ["text", "Let me see. "];
const KNOWS = ["reasoning", "I know that."];

/** What there is to see after each chunk of the step, by what is asked. */
export const STEPS = {
  "/held": [[["reasoning", "I need "]], [THINKS], [THINKS, ["text", "Let me "]], [THINKS, SEES],
    // A call is shown once the step is over.
    [THINKS, SEES], [THINKS, SEES]],
  "/talk": [[["reasoning", "I know "]], [KNOWS], [KNOWS, ["text", "Here "]],
    [KNOWS, ["text", "Here it is."]]],
};

/** What a whole answer is. */
export const WHOLE = {
  "/held": [THINKS, SEES, ["tool-pause", "output-available"], ["text", "There it is."]],
  "/talk": STEPS["/talk"].at(-1),
};

/** Waits until a chunk of a type is in the log. */
const logged = (one, type) => eventually(async () =>
  (await one.records()).some(({ data }) => data?.type === type), `${type} of ${one.chat}`);

const END = "after the end";
const START = "before the first token";
/** The place where nobody speaks: the gateway no more, the agent not yet. */
export const BOUNDARY = "when the step is over and the agent boots";

/** The places of a journey, in order. */
export const PLACES = {
  "/held": [START, ...STEPS["/held"].map((_, at) => `after chunk ${at + 1}`), BOUNDARY,
    "while the tool runs", "in the agent's step", END],
  "/talk": [START, ...STEPS["/talk"].map((_, at) => `after chunk ${at + 1}`), BOUNDARY, END],
};

/**
 * Asks, and goes through the answer; yields at each place, once the page shows that
 * it is there. What shows it does again after a reload, before the journey goes on.
 */
export async function* journey({ page, one, model, command }) {
  const answer = model.of(one.chat);
  const seen = async function* (parts) {
    await shows(page, parts);
    yield;
    await shows(page, parts);
  };
  await say(page, `${command} ${one.chat}`);
  await answer.asked;
  yield* seen([]);
  let parts;
  for (const more of STEPS[command]) {
    answer.nod();
    yield* seen((parts = more));
  }
  answer.nod();
  if (command === "/held") parts = [THINKS, SEES, ["tool-pause", "input-available"]];
  else await logged(one, "finish-step");
  yield* seen(parts);
  openGate(`boot-${one.chat}`);
  if (command === "/held") {
    await one.noted("pause");
    yield* seen(parts);
    openGate(one.chat);
    const partial = [...WHOLE["/held"].slice(0, -1), ["text", "There "]];
    yield* seen(partial);
    openGate(`${one.chat}-rest`);
  }
  await one.settled(1);
  await idle(page);
  yield* seen(WHOLE[command]);
}

/** Opens everything that a journey holds. */
export function openAll(one, model) {
  for (const gate of [`boot-${one.chat}`, one.chat, `${one.chat}-rest`]) openGate(gate);
  model.of(one.chat).nod(100);
}

/**
 * The page, the transcript and the log agree on messages, with one boundary for each question.
 * `cut`: the page may show a call that a stop cut off; what is stored has only calls that ended.
 */
export async function agreed({ page, one }, { cut = false } = {}) {
  await idle(page);
  const own = await shown(page);
  const kept = stored(await one.saved((some) => some.length === own.length));
  if (cut) {
    for (const message of own) {
      message.parts = message.parts.filter(([, state]) => state !== "input-available");
    }
  }
  assert.deepEqual(own, kept, "the page and the transcript");
  const asked = own.filter(({ role }) => role === "user").length;
  assert.equal((await one.turns()).length, asked, "one boundary for each question");
  return own;
}
