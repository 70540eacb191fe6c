// One run: a piece of work of the link, in an isolate of its own.

import type { Frame, Work } from "../link/index.js";
import { WorkLostError } from "../link/index.js";
import type { Isolate } from "./isolate.js";
import type { Boot, ExitError } from "./isolate/messages.js";
import type { Pool } from "./pool.js";
import { workspace } from "./workspace.js";

export interface RunOptions {
  url: string;
  pool: Pool;
  workspaces: string;
  /** How long a cancelled run may take to end by itself. */
  graceMs: number;
  log: (line: string) => void;
  /** Must runs that park end at once? */
  draining: () => boolean;
}

export class Run {
  /** When it parked, or undefined while it works. */
  parkedAt: number | undefined;
  #isolate: Isolate | undefined;
  #grace: NodeJS.Timeout | undefined;

  constructor(
    private readonly work: Work,
    private readonly options: RunOptions,
  ) {}

  /** Runs it to its end. Never throws. */
  async run(): Promise<void> {
    const ended = await this.#live().catch((failure: unknown): ExitError => ({
      class: "crashed",
      message: failure instanceof Error ? failure.message : String(failure),
    }));
    clearTimeout(this.#grace);
    // How a run ends that was taken away or cancelled is our doing.
    const error = this.work.signal.aborted ? undefined : ended;
    const { run, agent } = this.work.frame;
    if (error !== undefined) {
      this.options.log(`run ${run} of ${agent}: ${error.class}: ${error.message}`);
    }
    const exit: Frame = error === undefined ? { t: "exit" } : { t: "exit", error: shown(error) };
    await this.#say(exit);
    await this.work.flush().catch(() => undefined);
  }

  /** Asks a parked run to end; nothing happens to one that works. */
  evict(): void {
    if (this.parkedAt !== undefined) this.#isolate?.evict();
  }

  async #live(): Promise<ExitError | undefined> {
    const { url, pool, workspaces } = this.options;
    const boot = this.work.frame as unknown as Boot;
    const [folder, isolate] = await Promise.all([workspace(workspaces, boot.session), pool.take()]);
    this.#isolate = isolate;
    void this.#follow(isolate);
    if (this.work.signal.aborted) void isolate.terminate();
    isolate.boot({ t: "boot", boot: wanted(boot), url, workspace: folder }, {
      ready: () => {
        void this.#say({ t: "ready" });
        pool.refill();
      },
      parked: (seen) => {
        this.parkedAt = performance.now();
        void this.#say({ t: "parked", seen });
        if (this.options.draining()) this.evict();
      },
      unparked: () => {
        this.parkedAt = undefined;
        void this.#say({ t: "unparked" });
      },
    });
    return await isolate.ended;
  }

  /** What the gateway says of the run, until it is over or lost. */
  async #follow(isolate: Isolate): Promise<void> {
    for await (const frame of this.work.frames) {
      if (frame.t === "evict") isolate.evict();
      if (frame.t === "cancel") this.#cancel(isolate, String(frame["reason"] ?? "cancelled"));
    }
    // The frames also end when the run's `exit` was sent; then the isolate is gone already.
    if (!isolate.gone) await isolate.terminate();
  }

  /** Only one that somebody cancelled has time for an end of its own: any other is replaced. */
  #cancel(isolate: Isolate, reason: string): void {
    if (reason !== "cancelled") return void isolate.terminate();
    isolate.cancel(reason);
    this.#grace ??= setTimeout(() => void isolate.terminate(), this.options.graceMs);
  }

  async #say(frame: Frame): Promise<void> {
    try {
      await this.work.send(frame);
    } catch (error) {
      // What is lost is the gateway's to give to another; nothing is left to say.
      if (!(error instanceof WorkLostError)) throw error;
    }
  }
}

function wanted({ run, session, chat, agent, version, attempt, token, payload, tags }: Boot): Boot {
  const boot: Boot = { run, session, chat, agent, version, attempt, token, payload };
  return tags === undefined ? boot : { ...boot, tags };
}

/** Stacks are for our own log. */
function shown({ class: kind, message }: ExitError): ExitError {
  return { class: kind, message: (message.split("\n")[0] ?? message).slice(0, 500) };
}
