// Keeps the host below a size by ending parked runs, the longest parked first.

import type { Run } from "./run.js";

const LOOK_MS = 2000;

/** Looks now and then, until the returned function is called. */
export function watchMemory(runs: ReadonlySet<Run>, maxRssMb: number): () => void {
  const timer = setInterval(() => {
    if (process.memoryUsage.rss() <= maxRssMb * 1024 * 1024) return;
    longestParked(runs)?.evict();
  }, LOOK_MS);
  timer.unref();
  return () => clearInterval(timer);
}

export function longestParked<R extends { parkedAt: number | undefined }>(
  runs: Iterable<R>,
): R | undefined {
  let found: R | undefined;
  for (const run of runs) {
    if (run.parkedAt === undefined) continue;
    if (found?.parkedAt === undefined || run.parkedAt < found.parkedAt) found = run;
  }
  return found;
}
