// One isolate, seen from the host: a thread that has loaded the bundle and serves one run.

import { Worker } from "node:worker_threads";
import { mapped } from "./bundle/stacks.js";
import { HostError } from "./errors.js";
import type { Definition, ExitError, FromIsolate, ToIsolate } from "./isolate/messages.js";

export interface Loaded {
  definitions: Definition[];
  duplicates: string[];
}

export interface IsolateOptions {
  bundle: string;
  memoryMb: number;
}

/** What an isolate says of its run. */
export interface Listener {
  ready: () => void;
  parked: (seen: number | null) => void;
  unparked: () => void;
}

export class Isolate {
  readonly #worker: Worker;
  /** Rejects when the agent files can't be loaded. */
  readonly loaded: Promise<Loaded>;
  /** Resolves when the thread is gone, with how its run ended. */
  readonly ended: Promise<ExitError | undefined>;
  #listener: Listener | undefined;
  #result: { error?: ExitError } | undefined;
  #gone = false;

  constructor({ bundle, memoryMb }: IsolateOptions) {
    this.#worker = new Worker(bundle, {
      argv: [],
      env: ownEnvironment(),
      resourceLimits: { maxOldGenerationSizeMb: memoryMb },
    });
    let settle: { loaded: (loaded: Loaded) => void; failed: (error: Error) => void };
    this.loaded = new Promise((loaded, failed) => (settle = { loaded, failed }));
    this.loaded.catch(() => undefined);
    let crash: ExitError | undefined;
    this.#worker.on("message", (message: FromIsolate) => {
      if (message.t === "loaded") settle.loaded(message);
      else if (message.t === "unloadable") {
        const text = `${message.file}: ${mapped(message.message, bundle)}`;
        crash = { class: "crashed", message: text };
        settle.failed(new HostError("load_failed", text));
        void this.terminate();
      } else this.#told(message);
    });
    this.#worker.on("error", (error) => (crash = crashOf(error, bundle)));
    this.ended = new Promise((ended) => {
      this.#worker.on("exit", (code) => {
        this.#gone = true;
        const how = crash ?? { class: "crashed", message: `the isolate exited with ${code}` };
        settle.failed(new HostError("load_failed", how.message));
        ended(this.#result === undefined ? how : this.#result.error);
      });
    });
  }

  get gone(): boolean {
    return this.#gone;
  }

  boot(message: Extract<ToIsolate, { t: "boot" }>, listener: Listener): void {
    this.#listener = listener;
    this.#post(message);
  }

  evict(): void {
    this.#post({ t: "evict" });
  }

  cancel(reason: string): void {
    this.#post({ t: "cancel", reason });
  }

  async terminate(): Promise<void> {
    await this.#worker.terminate();
  }

  #post(message: ToIsolate): void {
    this.#worker.postMessage(message);
  }

  #told(message: Exclude<FromIsolate, { t: "loaded" | "unloadable" }>): void {
    if (message.t === "exit") {
      this.#result = message.error === undefined ? {} : { error: message.error };
      void this.terminate();
    } else if (message.t === "ready") this.#listener?.ready();
    else if (message.t === "parked") this.#listener?.parked(message.seen);
    else this.#listener?.unparked();
  }
}

/** The host's key is not for agents: a run has a token of its own. */
function ownEnvironment(): NodeJS.ProcessEnv {
  const { TIDEGATE_KEY: _, ...rest } = process.env;
  return rest;
}

function crashOf(error: unknown, bundle: string): ExitError {
  const { code, message, stack } = error as NodeJS.ErrnoException;
  if (code === "ERR_WORKER_OUT_OF_MEMORY") return { class: "oom", message: message ?? code };
  return { class: "crashed", message: mapped(stack ?? message ?? String(error), bundle) };
}
