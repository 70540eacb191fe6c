// SIGTERM: what runs is finished, what comes goes to another worker, the process ends with 0.

import assert from "node:assert/strict";
import { test } from "node:test";
import { gateway } from "../compat/harness.mjs";
import { chat, textOf } from "./lib/chat.mjs";
import { SUITE_AGENTS, start } from "./lib/workers.mjs";

const NUMBERS = 600;
const whole = Array.from({ length: NUMBERS }, (_, index) => `${index + 1} `).join("");

for (const [language, { agent, command }] of Object.entries(SUITE_AGENTS)) {
  test(`a worker of ${language} drains`, async () => {
    const gw = await gateway();
    const first = start(gw, command);
    const [running, waiting] = [await chat(gw, agent), await chat(gw, agent)];
    const seq = await running.say(`count ${NUMBERS}`);
    await running.shows(" 10 ");
    first.kill("SIGTERM");
    const ended = await first.ended;
    assert.deepEqual(ended, { code: 0, signal: null }, first.log());
    assert.deepEqual(await running.settled(seq), []);
    assert.equal(textOf(running.out), whole);

    const next = await waiting.say("say hello");
    start(gw, command);
    assert.deepEqual(await waiting.settled(next), []);
    assert.equal((await waiting.transcript()).at(-1).parts.at(-1).text, "hello");
  });

  test(`a worker of ${language} that is idle drains`, async () => {
    const gw = await gateway();
    const worker = start(gw, command);
    const talk = await chat(gw, agent);
    await talk.settled(await talk.say("say hello"));
    worker.kill("SIGTERM");
    assert.deepEqual(await worker.ended, { code: 0, signal: null }, worker.log());
  });

  test(`a worker of ${language} is killed: the next one answers what it missed`, async () => {
    const gw = await gateway();
    const first = start(gw, command);
    const talk = await chat(gw, agent);
    await talk.settled(await talk.say("say hello"));
    first.kill("SIGKILL");
    await first.ended;
    const seq = await talk.say("history");
    start(gw, command);
    assert.deepEqual(await talk.settled(seq), []);
    const texts = (await talk.transcript()).map(({ parts }) => parts.at(-1).text);
    assert.deepEqual(texts.slice(2), ["history", "3: say hello | history"]);
  });
}
