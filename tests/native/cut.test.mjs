// The link is cut in the middle of an answer: nothing is lost, nothing comes twice.

import assert from "node:assert/strict";
import { test } from "node:test";
import { gateway } from "../compat/harness.mjs";
import { proxy } from "../compat/lib/proxy.mjs";
import { eventually } from "../compat/lib/wire.mjs";
import { chat, textOf } from "./lib/chat.mjs";
import { SUITE_AGENTS, start } from "./lib/workers.mjs";

const NUMBERS = 600;
const CUTS = 5;
const CHATS = 3;
const whole = Array.from({ length: NUMBERS }, (_, index) => `${index + 1} `).join("");

for (const [language, { agent, command }] of Object.entries(SUITE_AGENTS)) {
  test(`the link of ${language} is cut ${CUTS} times under ${CHATS} answers`, async () => {
    const gw = await gateway();
    const link = await proxy(gw.port);
    start(gw, command, { url: link.url });
    const talks = await Promise.all(Array.from({ length: CHATS }, () => chat(gw, agent)));
    const seqs = await Promise.all(talks.map((talk) => talk.say(`count ${NUMBERS}`)));
    for (let cut = 1; cut <= CUTS; cut += 1) {
      // Each cut meets every answer at another place, and all of them while they run.
      for (const talk of talks) await talk.shows(` ${cut * 60} `);
      const before = await link.drop();
      await eventually(() => link.connections > before, `the link after cut ${cut}`);
    }
    const errors = await Promise.all(talks.map((talk, index) => talk.settled(seqs[index])));
    assert.deepEqual(errors, talks.map(() => []));
    assert.ok(link.connections > CUTS, `${link.connections} connections`);
    for (const talk of talks) {
      assert.equal(textOf(talk.out), whole);
      assert.equal((await talk.transcript()).at(-1).parts.at(-1).text, whole);
    }
    await link.close();
  });
}
