// Seeded randomness.

/** `next(n)`: an integer from 0 below n. The seed comes from TIDEGATE_SEED, else from the clock. */
export function random(seed = Number(process.env.TIDEGATE_SEED ?? Date.now() % 2 ** 31)) {
  let state = seed | 0;
  const next = (n) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % n;
  };
  return { next, seed };
}
