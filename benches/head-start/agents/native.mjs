// Native agents; a slow boot is a hook that sleeps. BENCH_SDK is the built package.

import { setTimeout as sleep } from "node:timers/promises";
import { tokens, wanted } from "./ask.mjs";

const { agent, serve } = await import(process.env.BENCH_SDK);

const agents = wanted("native").map(({ id, boot, first }) => agent({
  id,
  onStart: () => sleep(boot),
  run: (turn) => tokens(first, turn.signal),
}));
await serve(agents, { capacity: 1_000 });
console.log("serving native");
