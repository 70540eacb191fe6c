// Runs `tidegate-host` with agent files of the tests.

import { spawn } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const HOST = process.env.TIDEGATE_HOST
  ?? fileURLToPath(new URL("../../../../clients/typescript/dist/host/main.js", import.meta.url));

/** The path of an agent file. */
export const fixture = (name) =>
  fileURLToPath(new URL(`../fixtures/${name}.mjs`, import.meta.url));

/**
 * Starts a host with agent files (names of fixtures) and waits until it is registered. `version`:
 * of the agents; `flags`: more of the command line; `notes`: the folder for what agents note.
 */
export async function startHost(gw, files, { version, flags = [], notes }) {
  const command = [HOST, "--url", gw.url, "--key", gw.key,
    "--workspaces", join(notes, "workspaces"), "--drain-timeout", "120",
    ...(version ? ["--agent-version", version] : []), ...flags, ...files.map(fixture)];
  const child = spawn(process.execPath, command, {
    stdio: ["ignore", "pipe", "pipe"], env: { PATH: process.env.PATH, HOME: process.env.HOME,
      AGENT_NOTES: notes, NODE_OPTIONS: process.env.NODE_OPTIONS ?? "" } });
  let log = "";
  const ready = new Promise((done, failed) => {
    const read = (text) => {
      log += text;
      if (/^serving /m.test(log)) done();
    };
    child.stdout.on("data", read);
    child.stderr.on("data", read);
    child.on("error", failed);
    child.on("exit", (code) => failed(new Error(`the host ended with ${code}:\n${log}`)));
  });
  const exit = new Promise((done) => child.on("exit", (code, signal) => done({ code, signal })));
  await ready;
  const stop = (signal = "SIGTERM") => {
    child.kill(signal);
    return exit;
  };
  return { pid: child.pid, exit, stop, logs: () => log, signal: (name) => child.kill(name) };
}
