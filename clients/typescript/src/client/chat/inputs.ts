// Questions whose answers have not begun: said while a turn ran, or in another tab. Pure.

import type { Message } from "../payloads.js";
import type { Said } from "./tabs.js";

export interface PendingInput {
  /** Its `.in` seq; absent while it is on its way. */
  seq?: number;
  message: Message;
  /** Was it said here? */
  own: boolean;
}

export class PendingInputs {
  #inputs: PendingInput[] = [];
  readonly #begun = new Set<string>();

  get all(): PendingInput[] {
    return [...this.#inputs];
  }

  /** Said here; its seq comes with `placed`. */
  say(message: Message): void {
    this.#inputs.push({ message, own: true });
  }

  placed(messageId: string, seq: number): void {
    this.#inputs = this.#inputs.map((input) =>
      input.message.id === messageId ? { ...input, seq } : input);
    this.#order();
  }

  /** It could not be said. */
  drop(messageId: string): void {
    this.#inputs = this.#inputs.filter(({ message }) => message.id !== messageId);
  }

  /** Said in another tab. */
  heard({ seq, message, failed }: Said): void {
    if (message === undefined) return;
    if (failed === true) return this.drop(message.id);
    // Its answer has begun already.
    if (this.#begun.has(message.id)) return;
    if (!this.#inputs.some((one) => one.message.id === message.id)) {
      this.#inputs.push({ message, own: false });
    }
    if (seq !== undefined) this.placed(message.id, seq);
  }

  /** A turn that this page did not ask for begins: the oldest question is what it answers. */
  begins(): Message | undefined {
    const message = this.#inputs.shift()?.message;
    if (message !== undefined) this.#begun.add(message.id);
    return message;
  }

  /** The turn that runs took these in. */
  injected(messageIds: readonly string[]): Message[] {
    const taken = this.#inputs.filter(({ message }) => messageIds.includes(message.id));
    this.#inputs = this.#inputs.filter(({ message }) => !messageIds.includes(message.id));
    return this.#done(taken);
  }

  /** Everything up to `seq` has its answer: what is left of it was taken in unseen. */
  answered(seq: number): Message[] {
    const over = this.#inputs.filter((input) => input.seq !== undefined && input.seq <= seq);
    this.#inputs = this.#inputs.filter((input) => !over.includes(input));
    return this.#done(over);
  }

  #done(inputs: PendingInput[]): Message[] {
    for (const { message } of inputs) this.#begun.add(message.id);
    return inputs.map(({ message }) => message);
  }

  #order(): void {
    this.#inputs.sort((one, other) => (one.seq ?? Infinity) - (other.seq ?? Infinity));
  }
}
