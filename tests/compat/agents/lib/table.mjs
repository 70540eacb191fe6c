// The second table of `run.mjs`: the agent's checklist, row by row.

import { AGENT_CATALOGUE } from "./catalogue.mjs";
import { prefixOf } from "./row.mjs";

/** Prints the table from the reporter's events; gives a text for every row that did not run. */
export function printAgentTable(events) {
  console.log("\n== The agent's checklist, row by row ==");
  const missing = [];
  for (const [number, { name, state }] of Object.entries(AGENT_CATALOGUE)) {
    const verdict = state === "tested" ? verdictOf(events, number) : state;
    if (verdict === "MISSING") missing.push(`agent row ${number} ${name} did not run`);
    console.log(`${number.padEnd(5)}${name.padEnd(46)}${verdict}`);
  }
  return missing;
}

function verdictOf(events, number) {
  const ran = events.filter(({ name, skip }) => name?.startsWith(prefixOf(number)) && !skip);
  if (ran.length === 0) return "MISSING";
  return ran.some(({ event }) => event === "test:fail") ? "FAIL" : "pass";
}
