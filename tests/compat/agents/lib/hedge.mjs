// Two models for hedged head starts (R-HDS-21), which the tests tell what to say by hand.

import { warmModel } from "./warm.mjs";

/** The two that are asked, and which one is the other. */
export const PLACES = ["main", "hedge"];
export const OTHER = { main: "hedge", hedge: "main" };

/** Who loses must be cut off before it has said so many tokens, while the user sees the other's. */
export const LOSS_MAX = 4;

export async function twoModels() {
  return { main: await warmModel(), hedge: await warmModel() };
}

/**
 * Tells both what to do in a chat, and waits until both are asked, for the `count`th time: until then
 * neither does it, since the first token cancels the other one, asked or not.
 */
export function tellBoth(models, chat, steps, count = 1) {
  const asked = Promise.all(PLACES.map((place) => models[place].asked(chat, count)));
  for (const place of PLACES) {
    models[place].tell(chat, async (reply, entry) => {
      await asked;
      return steps[place](reply, entry);
    });
  }
  return asked;
}

/** TOML of an agent whose head start has a hedge; `more`: keys of the head start. */
export const hedged = (id, { main, hedge }, more = "") => `
[[agent]]
id = "${id}"
backend = "link"
[agent.head_start]
backend = "openai"
url = "${main.url}"
model = "main"
${more}
[agent.head_start.hedge]
backend = "openai"
url = "${hedge.url}"
model = "hedge"
`;

/** Says nothing until it is cut off; with `head` its answer has begun, without a token. */
export const quiet = ({ head = false } = {}) => async (reply, entry) => {
  if (head) reply.delta({ role: "assistant", content: "" });
  await entry.cut;
};

/** A step that the test makes: `begun` gives its reply, and the request with its `cut`. */
export function byHand() {
  const hand = {};
  hand.begun = new Promise((done) => {
    hand.step = async (reply, entry) => {
      done({ reply, entry });
      await entry.cut;
    };
  });
  return hand;
}

/**
 * Both say one token after the other, at once, and the next only when the user has seen the one
 * before. Gives who won, what it said, and how many tokens the other one could say.
 */
export async function race(hands, shown, count) {
  const begun = await Promise.all(PLACES.map((place) => hands[place].begun));
  const said = { main: 0, hedge: 0 };
  let text = "";
  for (let number = 1; number <= count; number += 1) {
    await Promise.all(begun.map(async ({ reply, entry }, at) => {
      if (!entry.isOpen) return;
      said[PLACES[at]] += 1;
      await reply.text(`${PLACES[at]}-${number} `);
    }));
    text = await shown(number);
  }
  const [winner] = text.split("-");
  const { reply } = begun[PLACES.indexOf(winner)];
  const { entry } = begun[PLACES.indexOf(OTHER[winner])];
  return { winner, reply, lost: entry, cost: said[OTHER[winner]] };
}

/** What one of them says in a race. */
export const tokens = (place, count) =>
  Array.from({ length: count }, (_, at) => `${place}-${at + 1} `).join("");
