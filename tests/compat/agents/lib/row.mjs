// A test per row of the agent's checklist.

import { test } from "node:test";
import { AGENT_CATALOGUE } from "./catalogue.mjs";

// What hangs is found late; what is slow is no fault.
const TIMEOUT_MS = 300_000;

/** The start of the name of every test of a row. */
export const prefixOf = (number) => `agent row ${String(number).padStart(3, "0")} `;

/** One row; `detail` names one of several tests of it. */
export function agentRow(number, body, { detail, timeout = TIMEOUT_MS, ...options } = {}) {
  const { name, state } = AGENT_CATALOGUE[number];
  if (state !== "tested") throw new Error(`row ${number} is ${state}`);
  const title = `${prefixOf(number)}${name}${detail ? `: ${detail}` : ""}`;
  test(title, { timeout, ...options }, body);
}
