// Requests that may be repeated are, for a while.

import { TidegateError } from "./errors.js";
import { Backoff } from "./state/backoff.js";

const TRIES = 8;

/** What `act` gives; again after errors that say `retry`. Rejects with the last one. */
export async function patiently<T>(act: () => Promise<T>): Promise<T> {
  const backoff = new Backoff(Math.random);
  for (let left = TRIES - 1; ; left -= 1) {
    try {
      return await act();
    } catch (error) {
      if (left === 0 || !(error instanceof TidegateError && error.retry)) throw error;
      await new Promise((later) => setTimeout(later, backoff.next()));
    }
  }
}
