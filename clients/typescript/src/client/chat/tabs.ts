// Questions of one tab, for the others: the gateway's `.out` has only the answers.

import type { Message } from "../payloads.js";

/** What was said in another tab: once when it is sent, and once when the gateway has it. */
export interface Said {
  chatId: string;
  /** Its `.in` seq, once that is known. */
  seq?: number;
  /** It could not be said after all. */
  failed?: true;
  message?: Message;
  /** Another answer was asked for, instead of this message or the last one. */
  regenerate?: string | null;
}

export class Tabs {
  readonly #channel: BroadcastChannel | undefined;
  readonly #listeners = new Map<string, Set<(said: Said) => void>>();

  constructor(url: string) {
    if (globalThis.BroadcastChannel === undefined || globalThis.document === undefined) return;
    this.#channel = new BroadcastChannel(`tidegate-said:${url}`);
    this.#channel.onmessage = ({ data }: MessageEvent<Said>) => {
      for (const listener of this.#listeners.get(data.chatId) ?? []) listener(data);
    };
  }

  say(said: Said): void {
    this.#channel?.postMessage(said);
  }

  listen(chatId: string, listener: (said: Said) => void): () => void {
    const listeners = this.#listeners.get(chatId) ?? new Set();
    this.#listeners.set(chatId, listeners.add(listener));
    return () => void listeners.delete(listener);
  }

  close(): void {
    this.#channel?.close();
  }
}
