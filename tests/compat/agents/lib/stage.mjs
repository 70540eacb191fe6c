// What a file of agent tests needs: one gateway, one host, a folder of notes.

import assert from "node:assert/strict";
import { after } from "node:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gateway } from "../../harness.mjs";
import { configure } from "../../lib/sdk.mjs";
import { Talk } from "./talk.mjs";
import { startHost } from "./host.mjs";

/** The agents that most rows talk to. */
export const EVERY = ["talk", "hooks", "actions", "tools", "endings", "parts", "context", "custom",
  "crashes", "subagents", "channels"];

let made;

/** One gateway and one host with every agent, shared by all the rows of a process. */
export const shared = () => (made ??= stage(EVERY));

/**
 * Starts a gateway and a host with `files`. `options` go to the gateway; `hosted` to the host.
 * The stage's `host` may be replaced by a test; what runs at the end is stopped and must end well.
 */
export async function stage(files, { hosted = {}, ...options } = {}) {
  const notes = await mkdtemp(join(tmpdir(), "tidegate-agents-"));
  process.env.AGENT_NOTES = notes;
  const hosts = new Set();
  after(async () => {
    for (const one of hosts) await end(one);
    await rm(notes, { recursive: true, force: true });
  });
  const gw = await gateway(options);
  configure({ baseURL: gw.url, secretKey: gw.key });
  const host = async (some, more = {}) => {
    const one = await startHost(gw, some, { notes, ...more });
    hosts.add(one);
    one.exit.then(() => hosts.delete(one));
    return one;
  };
  const talk = (agent, more) => new Talk(gw, agent, more);
  return { gw, notes, talk, start: host, host: await host(files, hosted) };
}

async function end(host) {
  const { code, signal } = await host.stop();
  if (code !== 0) console.error(host.logs());
  assert.deepEqual([code, signal], [0, null], "SIGTERM must end the host with 0");
}
