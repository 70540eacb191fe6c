// Starts the real binary for one test file and stops it at the end.

import { spawn } from "node:child_process";
import assert from "node:assert/strict";
import { randomInt } from "node:crypto";
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
 * agents; `config`: more TOML; `port`: a given one. `data` reuses the folder of another launch;
 * `drain`: how long SIGTERM waits for answers.
 */
export async function launch({ store = "memory:", agents = "", config = "", port, data,
  drain = "2s" } = {}) {
  const folder = data ?? (await mkdtemp(join(tmpdir(), "tidegate-compat-")));
  port ??= await freePort();
  const url = `http://127.0.0.1:${port}`;
  const file = join(folder, "tidegate.toml");
  const storeUrl = store === "disk:" ? `disk:${join(folder, "data")}` : store;
  await writeFile(file, toml({ port, url, storeUrl, agents, config, drain }));
  const child = spawn(BINARY, ["serve", "--config", file], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { PATH: process.env.PATH, RUST_BACKTRACE: "1" },
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

function toml({ port, url, storeUrl, agents, config, drain }) {
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
timeout = "${drain}"
${config}
`;
}

async function ready(url, exit, logs) {
  let ended;
  exit.then((how) => (ended = how), (error) => (ended = error));
  for (let attempt = 0; attempt < 2_400; attempt += 1) {
    if (ended) throw new Error(`the gateway did not start: ${JSON.stringify(ended)}\n${logs()}`);
    const answer = await fetch(`${url}/ready`).catch(() => undefined);
    if (answer?.status === 200) return;
    await new Promise((done) => setTimeout(done, 50));
  }
  throw new Error(`the gateway was not ready within 120 s\n${logs()}`);
}

/**
 * A port that was free a moment ago. It is none of those that the system gives to outgoing
 * connections (32768 and up), so that nobody takes it by chance before it is used, and none that
 * browsers and fetch refuse to connect to (10080 is one).
 */
export async function freePort() {
  for (;;) {
    const port = randomInt(11_000, 32_000);
    if (await isFree(port)) return port;
  }
}

function isFree(port) {
  return new Promise((done) => {
    const server = createServer();
    server.on("error", () => done(false));
    server.listen(port, "127.0.0.1", () => server.close(() => done(true)));
  });
}
