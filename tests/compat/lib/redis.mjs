// A real Redis (or Valkey: TIDEGATE_REDIS_SERVER names another program).

import { freePort } from "./ports.mjs";
import { hold } from "./held.mjs";

const PROGRAM = process.env.TIDEGATE_REDIS_SERVER ?? "redis-server";

/** Starts one that keeps nothing on disk. Gives its `url` and `stop()`. */
export async function redis() {
  const port = await freePort();
  let server;
  await new Promise((done, failed) => {
    server = hold([PROGRAM, "--bind", "127.0.0.1", "--port", String(port), "--save", "",
      "--appendonly", "no"], { cwd: "/",
      say: (log) => log.includes("Ready to accept connections") && done() });
    server.ended.then(() => failed(new Error(`${PROGRAM} did not start\n${server.log()}`)));
  });
  server.release();
  return { url: `redis://127.0.0.1:${port}`, stop: server.stop };
}
