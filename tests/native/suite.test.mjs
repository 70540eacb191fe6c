// Agents in every language give the same messages for the same inputs.

import { describe, it } from "node:test";
import { gateway } from "../compat/harness.mjs";
import { SHELL_AGENT, SUITE_AGENTS, start } from "./lib/workers.mjs";
import { CASES } from "./suite/run.mjs";

const gw = await gateway({ agents: SHELL_AGENT });

const agents = { ...SUITE_AGENTS, shell: { agent: "suite-shell" } };
for (const [language, { agent, command }] of Object.entries(agents)) {
  if (command !== undefined) start(gw, command);
  describe(`the suite of turns, ${language}`, { concurrency: 4 }, () => {
    for (const { name, play } of CASES) it(name, () => play(gw, agent));
  });
}
