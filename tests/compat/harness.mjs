// Starts the real binary for one test file and stops it at the end.

import { spawn } from "node:child_process";
import assert from "node:assert/strict";
import { createServer } from "node:net";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { after } from "node:test";

const HERE = dirname(fileURLToPath(import.meta.url));
const BINARY = process.env.TIDEGATE_BIN ?? resolve(HERE, "../../target/debug/tidegate");

/** The shape with which the gateway mints tokens, and one with which the SDK signs them itself. */
export const MINTING_KEY = "tr_dev_sk_0123456789abcdefghijABCD";
export const ROOT_KEY = "tr_dev_a-root-style-key-of-the-tests";

// The oldest SDK signs tokens itself whatever the key looks like, so it needs a root-style key.
const OWN_KEY = process.env.TIDEGATE_SDK === "sdk45" ? ROOT_KEY : MINTING_KEY;

/** A gateway that lives as long as the test file. See `launch` for the options. */
export async function gateway(options = {}) {
  const started = await launch(options);
  after(async () => {
    const { code, signal } = await started.stop();
    if (code !== 0) console.error(started.logs());
    assert.equal(signal, null, "the gateway was killed instead of ending by itself");
    assert.equal(code, 0, "SIGTERM must end the gateway with 0");
  });
  return started;
}

/**
 * Starts a gateway. `store`: "memory:" or "disk:" (a new folder); `agents`: TOML beside the demo
 * agents; `config`: more TOML; `port`: a given one. `data` reuses the folder of another launch.
 */
export async function launch({ store = "memory:", agents = "", config = "", port, data } = {}) {
  const folder = data ?? (await mkdtemp(join(tmpdir(), "tidegate-compat-")));
  port ??= await freePort();
  const url = `http://127.0.0.1:${port}`;
  const file = join(folder, "tidegate.toml");
  const storeUrl = store === "disk:" ? `disk:${join(folder, "data")}` : store;
  await writeFile(file, toml({ port, url, storeUrl, agents, config }));
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
  const stop = async (signal = "SIGTERM") => {
    child.kill(signal);
    const ended = await exit;
    if (!data) await rm(folder, { recursive: true, force: true });
    return ended;
  };
  await ready(url, exit, () => log);
  return { url, port, folder, key: OWN_KEY, rootKey: ROOT_KEY, pid: child.pid, stop,
    logs: () => log };
}

function toml({ port, url, storeUrl, agents, config }) {
  return `
[server]
listen = "127.0.0.1:${port}"
public_url = "${url}"
[store]
url = ${JSON.stringify(storeUrl)}
[[environment]]
name = "dev"
secret_keys = ["${MINTING_KEY}"]
[[environment]]
name = "root"
secret_keys = ["${ROOT_KEY}"]
[[agent]]
id = "demo"
backend = "demo"
words_per_second = 0
[[agent]]
id = "steady"
backend = "demo"
words_per_second = 100
[[agent]]
id = "touchy"
backend = "demo"
words_per_second = 100
stop_on_disconnect = true
${agents}
[drain]
timeout = "2s"
${config}
`;
}

async function ready(url, exit, logs) {
  let ended;
  exit.then((how) => (ended = how), (error) => (ended = error));
  for (let attempt = 0; attempt < 600; attempt += 1) {
    if (ended) throw new Error(`the gateway did not start: ${JSON.stringify(ended)}\n${logs()}`);
    const answer = await fetch(`${url}/ready`).catch(() => undefined);
    if (answer?.status === 200) return;
    await new Promise((done) => setTimeout(done, 50));
  }
  throw new Error(`the gateway was not ready within 30 s\n${logs()}`);
}

/** A port that was free a moment ago. */
export function freePort() {
  return new Promise((done, failed) => {
    const server = createServer();
    server.on("error", failed);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => done(port));
    });
  });
}
