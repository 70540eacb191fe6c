// What the gateway refuses for good ends the worker, with the reason.

import assert from "node:assert/strict";
import { test } from "node:test";
import { gateway } from "../compat/harness.mjs";
import { SUITE_AGENTS, start } from "./lib/workers.mjs";

const WRONG = "tr_dev_sk_wrong";
const gw = await gateway();

for (const [language, { agent, command }] of Object.entries(SUITE_AGENTS)) {
  test(`a wrong key ends a worker of ${language}`, async () => {
    const worker = start(gw, command, { env: { TIDEGATE_KEY: WRONG, TIDEGATE_SECRET_KEY: WRONG } });
    const { code } = await worker.ended;
    assert.equal(code, 1, worker.log());
    assert.match(worker.log(), /LinkRefused|LinkError|Rejected|401/);
  });

  test(`an agent that the configuration has already ends a worker of ${language}`, async () => {
    const taken = `[[agent]]\nid = "${agent}"\nbackend = "demo"\n`;
    const full = await gateway({ agents: taken });
    const worker = start(full, command);
    const { code } = await worker.ended;
    assert.equal(code, 1, worker.log());
    assert.match(worker.log(), /agent_conflict/);
  });
}
