// Spare isolates: a new chat gets one that has loaded the bundle already.

import { Isolate } from "./isolate.js";
import type { IsolateOptions } from "./isolate.js";

export class Pool {
  readonly #spares: Isolate[] = [];
  #closed = false;

  constructor(
    private readonly options: IsolateOptions,
    /** How many spares to keep. */
    private readonly size: number,
  ) {}

  /** Puts in an isolate that is there already. */
  keep(isolate: Isolate): void {
    this.#spares.push(isolate);
  }

  /** An isolate of one's own. There is always one: the gateway decides how many runs there are. */
  take(): Isolate {
    for (let spare = this.#spares.shift(); spare !== undefined; spare = this.#spares.shift()) {
      if (!spare.gone) return spare;
    }
    return new Isolate(this.options);
  }

  /** Makes spares again; called when the chat that took one has booted, so as not to slow it. */
  refill(): void {
    while (!this.#closed && this.#spares.length < this.size) {
      this.#spares.push(new Isolate(this.options));
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all(this.#spares.splice(0).map((spare) => spare.terminate()));
  }
}
