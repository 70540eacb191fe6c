// Links agents to a gateway, and drains the link when the process is asked to end.

import { Link } from "../link/index.js";
import { registration } from "./definition.js";
import type { AgentDefinition } from "./definition.js";
import { Gateway } from "./gateway.js";
import { runTurn } from "./runner.js";
import type { Log } from "./runner.js";

export interface ServeOptions {
  /** The gateway's address. Default: TIDEGATE_URL, else http://127.0.0.1:8787. */
  url?: string;
  /** A secret key of the environment. Default: TIDEGATE_KEY. */
  key?: string;
  /** What is deployed, 1 to 64 characters: new turns go to the newest version. Default "1". */
  version?: string;
  /** How many turns run at once. Default 64. */
  capacity?: number;
  /** Drain and exit at SIGTERM and SIGINT. Default true. */
  signals?: boolean;
  /** Where failures are noted. Default: standard error. */
  log?: Log;
}

export interface Worker {
  /** Takes no new turns; resolves when the running ones are answered. */
  drain(): Promise<void>;
  /** Ends at once: what runs is given to other workers. */
  close(): Promise<void>;
  /** Resolves after `drain` and `close`; rejects if the gateway refuses the link. */
  readonly ended: Promise<void>;
}

/** Resolves when the gateway took the registration. Rejects with LinkError if it refuses it. */
export async function serve(
  agents: AgentDefinition[],
  options: ServeOptions = {},
): Promise<Worker> {
  const { version = "1", capacity = 64, log = toStderr } = options;
  const url = options.url ?? process.env["TIDEGATE_URL"] ?? "http://127.0.0.1:8787";
  const key = options.key ?? process.env["TIDEGATE_KEY"];
  if (key === undefined) throw new TypeError("serve needs a key, or TIDEGATE_KEY");
  const byId = new Map(agents.map((definition) => [definition.id, definition]));
  const gateway = new Gateway(url, key);
  const running = new Set<Promise<void>>();
  const link = new Link({
    url,
    key,
    capacity,
    agents: await Promise.all(agents.map((definition) => registration(definition, version))),
    onWork: (work) => {
      // The gateway asks for no agent that was not registered.
      const definition = byId.get(String(work.frame["agent"]));
      if (definition === undefined) return;
      const turn = runTurn(definition, work, { gateway, log });
      running.add(turn);
      void turn.then(() => running.delete(turn));
    },
  });
  await link.start();
  const worker: Worker = {
    // Its hooks may run on after the answer is stored.
    drain: () => link.drain().then(() => Promise.all(running)).then(() => undefined),
    close: () => link.close(),
    ended: link.ended(),
  };
  if (options.signals !== false) followSignals(worker, log);
  return worker;
}

function followSignals(worker: Worker, log: Log): void {
  let asked = false;
  const stop = () => {
    // The second signal does not wait for what runs.
    const ended = asked ? worker.close() : worker.drain();
    asked = true;
    void ended.catch(() => undefined).then(() => process.exit());
  };
  const signals = ["SIGTERM", "SIGINT"] as const;
  for (const signal of signals) process.on(signal, stop);
  const forget = () => {
    if (!asked) for (const signal of signals) process.off(signal, stop);
  };
  worker.ended.then(forget, (error: unknown) => {
    log("the gateway refuses this worker", error);
    process.exitCode = 1;
    forget();
  });
}

function toStderr(message: string, error?: unknown): void {
  console.error(`tidegate: ${message}`, ...(error === undefined ? [] : [error]));
}
