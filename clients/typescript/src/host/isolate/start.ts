// The isolate's main: loads the agent files, says what they define, and waits for one run.

import { setPriority } from "node:os";
import { parentPort } from "node:worker_threads";
import { Catalogue } from "./catalogue.js";
import { execute } from "./execute.js";
import type { FromIsolate, ToIsolate } from "./messages.js";
import { Parking } from "./parking.js";

const NICE = 5;

export interface AgentFile {
  file: string;
  load: () => Promise<unknown>;
}

export async function start(files: AgentFile[]): Promise<void> {
  const port = parentPort;
  if (port === null) throw new Error("an isolate is a worker thread of tidegate-host");
  const say = (message: FromIsolate) => port.postMessage(message);
  const parking = new Parking(say);
  const cancel = new AbortController();
  const catalogue = new Catalogue();

  yieldToTheLink();
  for (const { file, load } of files) {
    try {
      await catalogue.load(file, load);
    } catch (error) {
      say({ t: "unloadable", file, message: describe(error) });
      return;
    }
  }
  port.on("message", (message: ToIsolate) => {
    if (message.t === "evict") parking.evict();
    else if (message.t === "cancel") cancel.abort(new Error(`the run is over: ${message.reason}`));
    else void run(message);
  });
  say({ t: "loaded", definitions: catalogue.definitions(), duplicates: catalogue.duplicates() });

  async function run(message: Extract<ToIsolate, { t: "boot" }>): Promise<void> {
    const { boot, url, workspace } = message;
    process.env["TIDEGATE_WORKSPACE"] = workspace;
    process.env["TRIGGER_API_URL"] = url;
    process.env["TRIGGER_SECRET_KEY"] = boot.token;
    const error = await execute(boot, url, {
      catalogue,
      parking,
      signal: cancel.signal,
      ready: () => say({ t: "ready" }),
    });
    say(error === undefined ? { t: "exit" } : { t: "exit", error });
  }
}

/** Busy agents must not keep the host's main thread from its heartbeats. */
function yieldToTheLink(): void {
  // Elsewhere this is the priority of the process, not that of the thread.
  if (process.platform === "linux") setPriority(0, NICE);
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
