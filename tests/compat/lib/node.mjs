// One process of the real binary.

import { spawn } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const BINARY = process.env.TIDEGATE_BIN ??
  fileURLToPath(new URL("../../../target/debug/tidegate", import.meta.url));
const TRIES = 2_400;
const PAUSE_MS = 50;

/** Starts a gateway at `port` with a configuration, and waits until it is ready. */
export async function node(folder, port, toml) {
  const file = join(folder, `tidegate-${port}.toml`);
  await writeFile(file, toml);
  const child = spawn(BINARY, ["serve", "--config", file], {
    stdio: ["ignore", "pipe", "pipe"],
    // No balancer has to find out that it goes.
    env: { PATH: process.env.PATH, RUST_BACKTRACE: "1", TIDEGATE__DRAIN__DELAY: "0s",
      TIDEGATE__DRAIN__SPREAD: "0s" },
  });
  let log = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (text) => (log += text));
  const exit = new Promise((done, failed) => {
    child.on("error", failed);
    child.on("exit", (code, signal) => done({ code, signal }));
  });
  await ready(`http://127.0.0.1:${port}`, exit, () => log);
  const stop = (signal) => {
    child.kill(signal);
    return exit;
  };
  return { stop, logs: () => log };
}

/** Waits until what is at `url` is ready. `exit` is when it never will be. */
export async function ready(url, exit, logs) {
  let ended;
  exit.then((how) => (ended = how), (error) => (ended = error));
  for (let attempt = 0; attempt < TRIES; attempt += 1) {
    if (ended) throw new Error(`${url} did not start: ${JSON.stringify(ended)}\n${logs()}`);
    const answer = await fetch(`${url}/ready`).catch(() => undefined);
    if (answer?.status === 200) return;
    await new Promise((done) => setTimeout(done, PAUSE_MS));
  }
  throw new Error(`${url} was not ready within ${(TRIES * PAUSE_MS) / 1000} s\n${logs()}`);
}
