// Spare isolates: a new chat gets one that has loaded the bundle already.

import { availableParallelism } from "node:os";
import { Isolate } from "./isolate.js";
import type { IsolateOptions } from "./isolate.js";

/**
 * How many load the bundle at once. Loading is work for a processor: more at once would all be
 * late. Nothing that has loaded is waited for, so nobody waits for ever.
 */
const LOADING_MAX = Math.max(2, availableParallelism());

export class Pool {
  readonly #spares: Isolate[] = [];
  #closed = false;
  #loading = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(
    private readonly options: IsolateOptions,
    /** How many spares to keep. */
    private readonly size: number,
  ) {}

  /** Puts in an isolate that is there already. */
  keep(isolate: Isolate): void {
    this.#spares.push(isolate);
  }

  /** An isolate of one's own. How many there are is the gateway's to decide. */
  async take(): Promise<Isolate> {
    for (let spare = this.#spares.shift(); spare !== undefined; spare = this.#spares.shift()) {
      if (!spare.gone) return spare;
    }
    if (this.#loading >= LOADING_MAX) await new Promise<void>((go) => this.#waiting.push(go));
    return this.#make();
  }

  /** Makes spares again; called when the chat that took one has booted, so as not to slow it. */
  refill(): void {
    while (!this.#closed && this.#spares.length < this.size && this.#loading < LOADING_MAX) {
      this.#spares.push(this.#make());
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all(this.#spares.splice(0).map((spare) => spare.terminate()));
  }

  #make(): Isolate {
    const isolate = new Isolate(this.options);
    this.#loading += 1;
    const loaded = () => {
      this.#loading -= 1;
      this.#waiting.shift()?.();
    };
    isolate.loaded.then(loaded, loaded);
    return isolate;
  }
}
