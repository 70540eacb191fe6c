// One piece of work, as the code that does it sees it.

import { FrameRefusedError, FrameTooLargeError, WorkLostError } from "./errors.js";
import { LAST_FRAMES } from "./frames.js";
import type { Frame } from "./frames.js";
import { Mailbox } from "./mailbox.js";

/** What a piece of work needs of the link. */
export interface Outlet {
  submit(id: string, frame: Frame): "sent" | "full" | "lost" | "too_large";
  settled(id: string): boolean;
  frameMaxBytes(): number;
}

export class Work {
  readonly id: string;
  readonly #frames = new Mailbox<Frame>();
  readonly #abort = new AbortController();
  #lost: WorkLostError | undefined;
  #refusals: FrameRefusedError[] = [];
  #waiters: (() => void)[] = [];
  #last: Promise<void> = Promise.resolve();

  constructor(
    /** The `turn` or `boot` frame that handed it over. */
    readonly frame: Frame & { id: string },
    private readonly outlet: Outlet,
  ) {
    this.id = frame.id;
  }

  /** Aborts on `cancel`, and when the work is lost; the reason is an Error. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** The gateway's frames for this work: `in`, `evict`, `cancel`. One reader. */
  get frames(): AsyncIterable<Frame> {
    return this.#frames;
  }

  /**
   * Sends one frame; `id` and `seq` are added. Resolves when it has its place in the window, in
   * the order of the calls. Rejects with WorkLostError or FrameTooLargeError.
   */
  send(frame: Frame): Promise<void> {
    const sent = this.#last.then(() => this.#place(frame));
    this.#last = sent.catch(() => undefined);
    return sent;
  }

  /** Resolves when all that was sent is acknowledged; rejects with the first refusal, if any. */
  async flush(): Promise<void> {
    await this.#last;
    while (this.#lost === undefined && !this.outlet.settled(this.id)) await this.#progress();
    const refusal = this.#refusals.shift();
    if (refusal !== undefined) {
      this.#refusals = [];
      throw refusal;
    }
    if (this.#lost !== undefined) throw this.#lost;
  }

  /** For the link: a frame of the gateway. */
  deliver(frame: Frame): void {
    this.#frames.push(frame);
    if (frame.t === "cancel") {
      this.#abort.abort(new WorkLostError(this.id, String(frame["reason"] ?? "cancelled")));
    }
  }

  /** For the link: acknowledgements came. */
  progressed(): void {
    for (const wake of this.#waiters.splice(0)) wake();
  }

  /** For the link: a frame was refused. */
  refused(refusal: FrameRefusedError): void {
    this.#refusals.push(refusal);
    this.progressed();
  }

  /** For the link: it is not ours any more. */
  lose(reason: string): void {
    this.#lost ??= new WorkLostError(this.id, reason);
    this.#abort.abort(this.#lost);
    this.#frames.end();
    this.progressed();
  }

  async #place(frame: Frame): Promise<void> {
    for (;;) {
      if (this.#lost !== undefined) throw this.#lost;
      const placed = this.outlet.submit(this.id, frame);
      if (placed === "lost") throw new WorkLostError(this.id, "finished");
      if (placed === "too_large") {
        throw new FrameTooLargeError(JSON.stringify(frame).length, this.outlet.frameMaxBytes());
      }
      if (placed === "sent") break;
      await this.#progress();
    }
    if (LAST_FRAMES.has(frame.t)) this.#frames.end();
  }

  #progress(): Promise<void> {
    return new Promise((wake) => this.#waiters.push(wake));
  }
}
