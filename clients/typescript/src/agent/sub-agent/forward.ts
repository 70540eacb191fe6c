// A sub-agent's chunks in its parent's stream: transient batches, so that bytes stay linear.

import type { Chunk } from "../types.js";

const FLUSH_MS = 50;
/** Keeps a batch well below the largest record. A larger chunk still goes out, on its own. */
const BATCH_CHARS = 128 * 1024;

export class Forward {
  #batch: Chunk[] = [];
  #chars = 0;
  #seq = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly toolCallId: string,
    private readonly write: (chunk: Chunk) => void,
  ) {}

  add(chunk: Chunk): void {
    const chars = JSON.stringify(chunk).length;
    if (this.#chars > 0 && this.#chars + chars > BATCH_CHARS) this.flush();
    this.#batch.push(chunk);
    this.#chars += chars;
    this.#timer ??= setTimeout(() => this.flush(), FLUSH_MS);
  }

  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#batch.length === 0) return;
    const { toolCallId } = this;
    const data = { toolCallId, seq: this.#seq, chunks: this.#batch };
    this.write({ type: "data-subagent", data, transient: true });
    this.#seq += 1;
    this.#batch = [];
    this.#chars = 0;
  }
}
