// Does a turn run? Only then is silence suspicious within a second.

import type { SessionEvent } from "../events.js";

export class Turns {
  #open = false;
  readonly #owed = new Set<number>();

  /** An answer is being written, or one is owed to what we sent. */
  get running(): boolean {
    return this.#open || this.#owed.size > 0;
  }

  /** The seq of an input that will be answered. */
  owe(seq: number): void {
    this.#owed.add(seq);
  }

  saw(event: SessionEvent): void {
    if (event.type === "chunk") this.#open = true;
    else if (event.type === "turn-complete") {
      this.#open = false;
      for (const seq of this.#owed) {
        if (event.answered === undefined || event.answered >= seq) this.#owed.delete(seq);
      }
    } else if (event.type === "session-closed" || event.type === "gap") {
      // What was lost may have been the boundary.
      this.#open = false;
      this.#owed.clear();
    }
  }
}
