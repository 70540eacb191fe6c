// From what an agent returns to chunks. Plain strings become text parts.

import type { Answer, Chunk, StreamResult } from "./types.js";

/** The stream of an answer. `options` are for `toUIMessageStream`. */
export function streamOf(answer: Answer, options: Record<string, unknown>): AsyncIterable<unknown> {
  if (answer === undefined || answer === null) return once();
  if (typeof answer === "string") return once(answer);
  if (isStreamResult(answer)) return answer.toUIMessageStream(options);
  // A ReadableStream of the platform is one, whatever the types say.
  if (Symbol.asyncIterator in answer) return answer as AsyncIterable<unknown>;
  throw new TypeError("an agent returns a string, a stream of chunks, or a result of streamText");
}

/** Chunks for strings; chunks as they are. Pure: keeps which text part is open. */
export class Texts {
  #parts = 0;
  #open: string | undefined;

  chunks(given: unknown): Chunk[] {
    if (typeof given !== "string") return [...this.end(), given as Chunk];
    if (given === "") return [];
    const chunks: Chunk[] = [];
    if (this.#open === undefined) {
      this.#parts += 1;
      this.#open = `text-${this.#parts}`;
      chunks.push({ type: "text-start", id: this.#open });
    }
    return [...chunks, { type: "text-delta", id: this.#open, delta: given }];
  }

  /** Closes the text part, if one is open. */
  end(): Chunk[] {
    if (this.#open === undefined) return [];
    const id = this.#open;
    this.#open = undefined;
    return [{ type: "text-end", id }];
  }
}

/** What `source` gives until `signal` aborts; then its end is asked for, and the reason thrown. */
export async function* untilAborted(
  source: AsyncIterable<unknown>,
  signal: AbortSignal,
): AsyncGenerator<unknown> {
  const iterator = source[Symbol.asyncIterator]();
  let abort!: () => void;
  const aborted = new Promise<never>((_, reject) => {
    abort = () => reject(signal.reason);
  });
  aborted.catch(() => undefined);
  if (signal.aborted) abort();
  signal.addEventListener("abort", abort);
  try {
    for (;;) {
      const next = await Promise.race([iterator.next(), aborted]);
      if (next.done === true) return;
      yield next.value;
    }
  } finally {
    signal.removeEventListener("abort", abort);
    // Not awaited: a generator that hangs would keep the turn from ending.
    Promise.resolve(iterator.return?.()).catch(() => undefined);
  }
}

async function* once(...values: unknown[]): AsyncGenerator<unknown> {
  yield* values;
}

function isStreamResult(answer: object): answer is StreamResult {
  return typeof (answer as Partial<StreamResult>).toUIMessageStream === "function";
}
