// A turn whose first step is made elsewhere: what became of it, and what is left to do (R-HDS-14).

import type { UIMessage } from "ai";
import type { Frame } from "../link/index.js";
import { settleCalls } from "./tools.js";
import type { Calling } from "./tools.js";
import type { Turn } from "./types.js";

interface Handover extends Frame {
  outcome: "skip" | "final" | "calls" | "text";
  message?: UIMessage;
}

export class HeadStart {
  /** Rejects when the turn is stopped or lost before. */
  readonly came: Promise<Handover>;
  #give!: (frame: Handover) => void;

  constructor(signal: AbortSignal) {
    this.came = new Promise((given, lost) => {
      this.#give = given;
      if (signal.aborted) lost(signal.reason);
      signal.addEventListener("abort", () => lost(signal.reason), { once: true });
    });
    this.came.catch(() => undefined);
  }

  /** A `handover` frame came. The gateway repeats it on a new link: only the first counts. */
  give(frame: Frame): void {
    this.#give(frame as Handover);
  }

  /** Waits for the hand-over and takes over. Resolves to whether the agent's `run` is to answer. */
  async takeOver(calling: Calling): Promise<boolean> {
    const { outcome, message } = await this.came;
    if (outcome === "skip" || message === undefined) return true;
    const { turn } = calling;
    const before = turn.messages;
    const own = turn as { -readonly [KEY in keyof Turn]: Turn[KEY] };
    // Tools see the history without the message of their call, as those of the AI SDK do.
    const settled = outcome !== "calls" || (await untilLost(settleCalls(message, calling), turn));
    own.messages = [...before, message];
    if (outcome === "final" || !settled) return false;
    own.continues = true;
    return true;
  }
}

/** A tool that does not heed the signal must not keep the turn from ending. */
async function untilLost<T>(work: Promise<T>, { signal }: Turn): Promise<T> {
  let abort!: () => void;
  const aborted = new Promise<never>((_, lost) => (abort = () => lost(signal.reason)));
  if (signal.aborted) abort();
  signal.addEventListener("abort", abort);
  return Promise.race([work, aborted]).finally(() => signal.removeEventListener("abort", abort));
}
