// Every SDK's agent gives the same messages for the same inputs.

import { describe, it } from "node:test";
import { gateway } from "../compat/harness.mjs";
import { SUITE_AGENTS, start } from "./lib/workers.mjs";
import { CASES } from "./suite/run.mjs";

const gw = await gateway();

for (const [language, { agent, command }] of Object.entries(SUITE_AGENTS)) {
  start(gw, command);
  describe(`the suite of turns, ${language}`, { concurrency: 4 }, () => {
    for (const { name, play } of CASES) it(name, () => play(gw, agent));
  });
}
