// The frames of one answer on their way to the link: in order, in batches of what is there.

import { WorkLostError } from "../link/index.js";
import type { Frame, Work } from "../link/index.js";
import type { Chunk } from "./types.js";

/** About so many characters go into one frame. */
const FRAME_CHARS = 256 * 1024;
/** From so many characters that wait on, a producer is asked to wait. */
const HIGH_WATER_CHARS = 256 * 1024;

type Entry = { chunk: Chunk; chars: number } | { frame: Frame; chars: 0 };

export class Outgoing {
  #queue: Entry[] = [];
  #chars = 0;
  #error: unknown;
  #sending: Promise<void> | undefined;
  #waiters: (() => void)[] = [];

  constructor(
    private readonly work: Work,
    /** Nothing may be sent yet: the first step of the answer is made elsewhere (R-HDS-23). */
    private held = false,
  ) {}

  /** What was added may be sent from now on. */
  release(): void {
    this.held = false;
    if (this.#queue.length > 0) this.#sending ??= this.#send();
  }

  /** Adds a chunk. Throws TypeError for what is no chunk, so that nothing of a frame is refused. */
  chunk(chunk: Chunk): void {
    if (typeof chunk !== "object" || typeof chunk?.type !== "string") {
      throw new TypeError(`an agent gives strings and chunks, not ${describe(chunk)}`);
    }
    this.#put({ chunk, chars: size(chunk) });
  }

  /** Adds a frame behind the chunks so far. */
  frame(frame: Frame): void {
    this.#put({ frame, chars: 0 });
  }

  /** Resolves when more may be added. Rejects when the link takes no more of it. */
  async room(): Promise<void> {
    // While it is held back nothing makes room, and who waited for that would wait for itself.
    while (!this.held && this.#chars >= HIGH_WATER_CHARS && this.#error === undefined) {
      await new Promise<void>((wake) => this.#waiters.push(wake));
    }
    if (this.#error !== undefined) throw this.#error;
  }

  /** Ends the answer behind what was added. Rejects with what the link made of that. */
  async finish(errorText?: string): Promise<void> {
    while (this.#sending !== undefined) await this.#sending;
    if (errorText === undefined && this.#error !== undefined) throw this.#error;
    await this.work.send({ t: "done", ...(errorText === undefined ? {} : { error: errorText }) });
  }

  #put(entry: Entry): void {
    if (this.#error instanceof WorkLostError) return;
    this.#queue.push(entry);
    this.#chars += entry.chars;
    if (!this.held) this.#sending ??= this.#send();
  }

  async #send(): Promise<void> {
    // What the producer gives in one go is there after this, and goes out as one frame.
    await new Promise((done) => setImmediate(done));
    try {
      while (this.#queue.length > 0) {
        await this.work.send(this.#next());
        for (const wake of this.#waiters.splice(0)) wake();
      }
    } catch (error) {
      this.#error = error;
      this.#queue = [];
      this.#chars = 0;
    }
    this.#sending = undefined;
    for (const wake of this.#waiters.splice(0)) wake();
  }

  #next(): Frame {
    const chunks: Chunk[] = [];
    let chars = 0;
    for (let head = this.#queue[0]; head !== undefined; head = this.#queue[0]) {
      if ("frame" in head) {
        if (chunks.length > 0) break;
        this.#queue.shift();
        return head.frame;
      }
      if (chunks.length > 0 && chars + head.chars > FRAME_CHARS) break;
      chunks.push(head.chunk);
      chars += head.chars;
      this.#queue.shift();
    }
    this.#chars -= chars;
    return { t: "out", chunks };
  }
}

function size(chunk: Chunk): number {
  return chunk.type === "text-delta" ? chunk.delta.length + 64 : JSON.stringify(chunk).length;
}

function describe(value: unknown): string {
  return (JSON.stringify(value) ?? String(value)).slice(0, 80);
}
