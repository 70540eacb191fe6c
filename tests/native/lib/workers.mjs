// Agent programs as processes, and where their runtimes are.

import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { after } from "node:test";

const HERE = dirname(fileURLToPath(import.meta.url));
export const ROOT = resolve(HERE, "../../..");
export const AGENTS = resolve(HERE, "../agents");

/** The interpreter that has the Python SDK (`run.mjs` makes it). */
export const PYTHON = process.env.TIDEGATE_PYTHON ??
  resolve(ROOT, "clients/python/.venv/bin/python");

/** How the agent of the suite is started in each language: the agent's id, and the command. */
export const SUITE_AGENTS = {
  typescript: { agent: "suite-typescript", command: [process.execPath, `${AGENTS}/suite.mjs`] },
  python: { agent: "suite-python", command: [PYTHON, `${AGENTS}/suite.py`] },
};

// `run.mjs` builds the Rust SDK's agent; without it there is nothing to start.
const rust = process.env.TIDEGATE_RUST_SUITE ??
  resolve(process.env.CARGO_TARGET_DIR ?? resolve(ROOT, "target"), "debug/examples/suite");
if (existsSync(rust)) SUITE_AGENTS.rust = { agent: "suite-rust", command: [rust] };

/** The agent of the suite in shell: the gateway starts it itself, with this configuration. */
export const SHELL_AGENT = `
[[agent]]
id = "suite-shell"
backend = "process"
command = ["sh", "${AGENTS}/suite.sh"]
actions = true
`;

/**
 * Starts a worker. It is ended with the test file, if it is still there. `url`: another address of
 * the gateway, such as a proxy. Gives `pid`, `kill(signal)`, `ended` and `log()`.
 */
export function start(gw, command, { url = gw.url, env = {}, cwd } = {}) {
  const [program, ...args] = command;
  if (program.includes("/") && !existsSync(program)) throw new Error(`there is no ${program}`);
  const child = spawn(program, args, { cwd, stdio: ["ignore", "pipe", "pipe"],
    env: { PATH: process.env.PATH, HOME: process.env.HOME, TIDEGATE_URL: url,
      TIDEGATE_KEY: gw.key, TIDEGATE_SECRET_KEY: gw.key, ...env } });
  let log = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (text) => (log += text));
  const ended = new Promise((done) => {
    child.on("exit", (code, signal) => done({ code, signal }));
    child.on("error", (error) => done({ error }));
  });
  const worker = { pid: child.pid, ended, log: () => log, kill: (signal) => child.kill(signal) };
  after(async () => {
    child.kill("SIGKILL");
    await ended;
  });
  return worker;
}
