// Rounds of a chaos: what is done is drawn from one seed, and a round that fails shows its session.

import { runSeed, seeded } from "../../lib/seed.mjs";

/** How many there are. */
export const ROUNDS = process.env.TIDEGATE_LONG ? 60 : 6;
/** How long all of them may take. */
export const ROUNDS_MS = 100_000 + ROUNDS * 60_000;

/**
 * Plays them one after the other. `begin` makes one from a choice of `some`; it has `run()`, `title`,
 * the `log` of what was done, and `fates()` and `records()` of its session.
 */
export async function rounds(t, begin) {
  const random = seeded(runSeed(t));
  const pick = (some) => some[Math.floor(random() * some.length)];
  for (let at = 0; at < ROUNDS; at += 1) {
    const round = begin(pick);
    try {
      await round.run();
    } catch (error) {
      t.diagnostic(`round ${at} ${round.title}: ${round.log.join(", ")}`);
      console.error(JSON.stringify(await round.fates()));
      for (const { seqNum, data, headers } of await round.records()) {
        console.error(seqNum, JSON.stringify(data), JSON.stringify(headers));
      }
      throw error;
    }
  }
}
