// The real gateway and the real command, for one test file.

import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { after } from "node:test";
import { fileURLToPath } from "node:url";
import { sessions } from "@trigger.dev/sdk";
import { launch } from "../../../../tests/compat/harness.mjs";
import { fixture, scratch } from "./isolates.mjs";

export { launch };
const MAIN = fileURLToPath(new URL("../../dist/host/main.js", import.meta.url));

/** A gateway that ends with the test file. */
export async function gateway(options) {
  const started = await launch(options);
  after(() => started.stop("SIGKILL"));
  return started;
}

/** Runs `tidegate-host`. `ready` resolves with its line, or rejects with what it said instead. */
export function hostProcess(args, env = {}) {
  const child = spawn(process.execPath, [MAIN, ...args], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, ...env },
  });
  let said = "";
  const exit = new Promise((done) => child.on("exit", (code, signal) => done({ code, signal })));
  const ready = new Promise((done, failed) => {
    const hear = (text) => {
      said += text;
      const line = /^serving .*$/m.exec(said);
      if (line) done(line[0]);
    };
    child.stdout.on("data", hear);
    child.stderr.on("data", hear);
    exit.then(() => failed(new Error(said)));
  });
  ready.catch(() => {});
  after(() => child.kill("SIGKILL"));
  return { child, ready, exit, said: () => said };
}

/** The host of the fixture chats at a gateway. */
export async function served(gw, { flags = [], files = ["chats.ts"], workspaces } = {}) {
  const folder = workspaces ?? scratch();
  const url = ["--url", gw.url, "--key", gw.key, "--workspaces", folder];
  const host = hostProcess([...url, ...flags, ...files.map(fixture)]);
  await host.ready;
  return { ...host, workspaces: folder };
}

/** Resolves once a worker is linked to `gw`. */
export async function linked(gw) {
  for (;;) {
    const metrics = await (await fetch(`${gw.url}/metrics`)).text();
    if (/^tidegate_links [1-9]/m.test(metrics)) return;
    await new Promise((later) => setTimeout(later, 10));
  }
}

/** Resolves once the chat has left the mark `name` in its workspace. */
export async function marked(host, chat, name) {
  const { id } = await sessions.retrieve(chat.id);
  const mark = join(host.workspaces, id, name);
  while (!existsSync(mark)) await new Promise((later) => setTimeout(later, 10));
}
