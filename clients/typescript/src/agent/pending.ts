// Messages that arrive while a turn runs (steering). What is not accepted gets its own turn.

import type { UIMessage } from "ai";
import { messageOf } from "./inputs.js";
import type { InRecord } from "./inputs.js";
import { Steps } from "./steps.js";
import type { Step } from "./steps.js";

/** Told what was accepted: the `.in` seqs, and the messages. */
export type Accepted = (inputs: number[], messages: UIMessage[]) => void;

export class Pending implements AsyncIterable<UIMessage> {
  #waiting: { seq: number; message: UIMessage }[] = [];
  #wake: (() => void)[] = [];
  #ended = false;
  readonly #steps = new Steps();

  constructor(private readonly accepted: Accepted) {}

  /** What waits, without accepting it. */
  get messages(): readonly UIMessage[] {
    return this.#waiting.map(({ message }) => message);
  }

  /** Takes what waits into the running answer. */
  accept(): UIMessage[] {
    return this.#take(this.#waiting.length);
  }

  /** Accepts messages one by one, as they arrive, until the turn ends. */
  async *[Symbol.asyncIterator](): AsyncIterator<UIMessage> {
    for (;;) {
      while (this.#waiting.length > 0) yield* this.#take(1);
      if (this.#ended) return;
      await new Promise<void>((wake) => this.#wake.push(wake));
    }
  }

  /** For `streamText`: accepts what waits at each step and lets the model see it from there on. */
  readonly prepareStep = <MESSAGE>({ messages }: Step<MESSAGE>): { messages: MESSAGE[] } =>
    ({ messages: this.#steps.with(messages, this.accept()) });

  /** For the runner: records of `.in` came. */
  add(records: InRecord[]): void {
    if (this.#ended) return;
    for (const record of records) {
      const message = messageOf(record);
      if (message !== undefined) this.#waiting.push({ seq: record.seq_num, message });
    }
    this.#wakeAll();
  }

  /** For the runner: the turn is over. */
  end(): void {
    this.#ended = true;
    this.#waiting = [];
    this.#wakeAll();
  }

  #take(count: number): UIMessage[] {
    const taken = this.#waiting.splice(0, count);
    const messages = taken.map(({ message }) => message);
    if (taken.length > 0) this.accepted(taken.map(({ seq }) => seq), messages);
    return messages;
  }

  #wakeAll(): void {
    for (const wake of this.#wake.splice(0)) wake();
  }
}
