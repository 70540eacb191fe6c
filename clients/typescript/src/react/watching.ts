// What a chat's page follows beside its own turns: those of other tabs and devices, questions that
// wait, and how the connection is.

import type { TidegateChatTransport } from "../client/chat/transport.js";
import { PendingInputs } from "../client/chat/inputs.js";
import type { PendingInput } from "../client/chat/inputs.js";
import type { SessionEvent, StateEvent } from "../client/events.js";
import type { Message } from "../client/payloads.js";

/** What the page shows beside the messages. */
export interface Watched {
  pending: PendingInput[];
  connection: Omit<StateEvent, "type"> | undefined;
  error: Error | undefined;
}

/** What is done to the chat's messages. */
export interface WatchingChat {
  /** A question whose answer begins: it goes to the end. */
  append(message: Message): void;
  /** Questions that the running turn took in: they go before its answer. */
  insert(messages: Message[]): void;
  /** Another answer was asked for in another tab. */
  truncate(messageId: string | null): void;
  /** A turn can be joined. */
  turn(): void;
}

export class Watching {
  #inputs = new PendingInputs();
  #seen: Watched = { pending: [], connection: undefined, error: undefined };
  readonly #listeners = new Set<() => void>();

  constructor(private readonly transport: TidegateChatTransport<never>,
    private readonly chatId: string) {}

  readonly snapshot = (): Watched => this.#seen;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  };

  /** Until the returned function is called. */
  start(chat: WatchingChat): () => void {
    return this.transport.watch(this.chatId, {
      turn: () => chat.turn(),
      event: (event) => this.#event(event, chat),
      error: (error) => this.#set({ error }),
      said: (said) => {
        // Before its answer begins: that one stays.
        const first = said.seq === undefined && said.failed === undefined;
        if (said.regenerate !== undefined && first) chat.truncate(said.regenerate);
        this.#inputs.heard(said);
        this.#changed();
      },
    });
  }

  async steer(message: Message): Promise<void> {
    this.#inputs.say(message);
    this.#changed();
    try {
      const seq = await this.transport.steer(this.chatId, message);
      this.#inputs.placed(message.id, seq);
    } catch (error) {
      this.#inputs.drop(message.id);
      throw error;
    } finally {
      this.#changed();
    }
  }

  /** The question that the turn to be joined answers, if it was said in this browser. */
  begins(): Message | undefined {
    const message = this.#inputs.begins();
    this.#changed();
    return message;
  }

  #event(event: SessionEvent, chat: WatchingChat): void {
    if (event.type === "state") {
      const { type: _, ...connection } = event;
      this.#set({ connection });
    } else if (event.type === "chunk" && event.chunk.type === "data-pending-message-injected") {
      const { messageIds } = event.chunk["data"] as { messageIds?: string[] };
      this.#insert(this.#inputs.injected(messageIds ?? []), chat);
    } else if (event.type === "turn-complete" && event.answered !== undefined) {
      // A turn that waits to be joined takes its question along itself.
      if (this.transport.joinable(this.chatId)) return;
      this.#insert(this.#inputs.answered(event.answered), chat);
    }
  }

  #insert(messages: Message[], chat: WatchingChat): void {
    if (messages.length === 0) return;
    chat.insert(messages);
    this.#changed();
  }

  #changed(): void {
    this.#set({ pending: this.#inputs.all });
  }

  #set(news: Partial<Watched>): void {
    this.#seen = { ...this.#seen, ...news };
    for (const listener of [...this.#listeners]) listener();
  }
}
