// What is random in a test, so that it can be repeated.

/** Numbers in [0, 1) from a seed (mulberry32). */
export function seeded(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** The seed of this run: TIDEGATE_SEED, or a new one. Printed, so that a run can be repeated. */
export function runSeed(t) {
  const seed = Number(process.env.TIDEGATE_SEED ?? Math.floor(Math.random() * 2 ** 32));
  t.diagnostic(`seed ${seed} (TIDEGATE_SEED=${seed} repeats it)`);
  return seed;
}
