// A test per row of the compatibility checklist.

import { test } from "node:test";
import { CATALOGUE } from "./catalogue.mjs";
import { isOldest, version } from "./sdk.mjs";

// What hangs is found late; what is slow is no fault.
const TIMEOUT_MS = 240_000;

/**
 * One row. `na45` says what the oldest SDK lacks: there the body must fail, so that a row that
 * starts to work is noticed, and the row counts as n/a.
 */
export function row(number, { na45, timeout = TIMEOUT_MS } = {}, body) {
  const name = `row ${String(number).padStart(2, "0")} ${CATALOGUE[number].name}`;
  test(name, { timeout }, async (t) => {
    if (!isOldest || !na45) return body(t);
    let failure;
    try {
      await withDeadline(body(t), 8_000);
    } catch (error) {
      failure = error;
    }
    if (!failure) throw new Error(`works with ${version}: remove na45 (${na45})`);
    t.diagnostic(`n/a ${number}: ${version} lacks ${na45}`);
  });
}

function withDeadline(work, ms) {
  let timer;
  const late = new Promise((_, failed) => {
    timer = setTimeout(() => failed(new Error(`nothing within ${ms} ms`)), ms);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}
