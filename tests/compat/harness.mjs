// Starts the real binary for one test file and stops it at the end. See lib/topology.mjs for what
// else may stand behind its address.

import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import { freePort } from "./lib/ports.mjs";
import { gateways, start } from "./lib/topology.mjs";

export { freePort, gateways };

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
  const storeUrl = store === "disk:" ? `disk:${join(folder, "data")}` : store;
  const place = await start({ folder, port, storeUrl, keep: data !== undefined,
    toml: (own) => toml({ ...own, url, agents, config, drain }) });
  const stop = async (signal = "SIGTERM") => {
    const ended = await place.stop(signal);
    if (!data) await rm(folder, { recursive: true, force: true });
    return ended;
  };
  return { url, port, folder, key: OWN_KEY, rootKey: ROOT_KEY, stop, logs: place.logs };
}

function toml({ port, url, storeUrl, behind, agents, config, drain }) {
  return `
[server]
listen = "127.0.0.1:${port}"
public_url = "${url}"
${behind ? 'trusted_proxies = ["127.0.0.1"]' : ""}
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
