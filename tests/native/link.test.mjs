// One link: many answers at once, large answers, steering, and errors that are not shown.

import assert from "node:assert/strict";
import { test } from "node:test";
import { gateway } from "../compat/harness.mjs";
import { call, eventually } from "../compat/lib/wire.mjs";
import { chat, textOf } from "./lib/chat.mjs";
import { SUITE_AGENTS, start } from "./lib/workers.mjs";

const CHATS = 40;
const PIECES = 160;
const gw = await gateway();

for (const [language, { agent, command }] of Object.entries(SUITE_AGENTS)) {
  const worker = start(gw, command);

  test(`${CHATS} answers at once over one link of ${language}`, async () => {
    const talks = await Promise.all(Array.from({ length: CHATS }, () => chat(gw, agent)));
    const seqs = await Promise.all(talks.map((talk, index) => talk.say(`say ${index} a b c`)));
    await Promise.all(talks.map((talk, index) => talk.settled(seqs[index])));
    assert.deepEqual(talks.map((talk) => textOf(talk.out)),
      talks.map((_, index) => `${index} a b c`));
  });

  // The Rust agent has neither of these.
  if (language === "rust") continue;

  test(`an answer larger than the window of ${language}, and a small one beside it`, async () => {
    const [large, small] = [await chat(gw, agent), await chat(gw, agent)];
    const seq = await large.say(`flood ${PIECES}`);
    assert.deepEqual(await small.settled(await small.say("say hello")), []);
    assert.deepEqual(await large.settled(seq), []);
    const whole = Array.from({ length: PIECES }, (_, index) =>
      String.fromCharCode(97 + (index % 26)).repeat(65_536)).join("");
    assert.ok(textOf(large.out) === whole, "every piece, once, in order");
  });

  test(`a message that arrives meanwhile is taken into an answer of ${language}`, async () => {
    const talk = await chat(gw, agent);
    await talk.say("steer");
    await talk.shows("Waiting.");
    await talk.settled(await talk.say("hey"));
    assert.equal(textOf(talk.out), "Waiting. Got hey.");
    const marks = talk.out.filter(({ data }) => data?.type === "data-pending-message-injected");
    assert.deepEqual(marks.map(({ data }) => data.data),
      [{ messageIds: ["u2"], messages: [{ id: "u2", text: "hey" }] }]);
    const answer = await call(gw, `/v1/sessions/${talk.id}/inputs`);
    const fates = (await answer.json()).inputs.map(({ fate }) => fate);
    assert.deepEqual(fates, ["answered", "injected"]);
  });

  test(`the text of an unexpected error of ${language} is logged, not shown`, async () => {
    const talk = await chat(gw, agent);
    const errors = await talk.settled(await talk.say("nonsense"));
    assert.match(errors.join(), /The agent failed\./);
    assert.doesNotMatch(errors.join(), /nonsense|KeyError|TypeError/);
    await eventually(() => /KeyError|TypeError/.test(worker.log()), "the log");
    assert.deepEqual(await talk.settled(await talk.say("say on")), []);
  });
}
