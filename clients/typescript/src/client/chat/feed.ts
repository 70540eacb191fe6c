// The reading side of one chat: one subscription, from which each turn becomes a stream of its own.

import { TidegateError } from "../errors.js";
import type { SessionEvent } from "../events.js";
import type { Session } from "../session.js";
import type { Subscription } from "../subscription.js";
import type { Chunk } from "../wire.js";
import type { ChatMemory } from "./memory.js";
import { TurnRouter } from "./router.js";
import type { TurnReader } from "./router.js";

export interface FeedListener {
  /** A turn that this page did not ask for began; `join` streams it. */
  turn?(): void;
  event?(event: SessionEvent): void;
  /** Reading ended for good. */
  error?(error: Error): void;
}

export class ChatFeed {
  readonly listeners = new Set<FeedListener>();
  readonly #router = new TurnRouter(() => this.#tell((one) => one.turn?.()));
  #subscription: Subscription | undefined;
  #starting: Promise<void> | undefined;
  #held: SessionEvent[] | undefined;
  #holders = 0;

  constructor(readonly session: Session, private readonly memory: ChatMemory,
    private readonly chatId: string) {}

  get joinable(): boolean {
    return this.#router.joinable;
  }

  /** The `.in` seq of the oldest input of this page whose turn is not over. */
  get outstanding(): number | undefined {
    return this.#router.outstanding;
  }

  get subscription(): Subscription | undefined {
    return this.#subscription;
  }

  /** Reads from now on, from where the chat was left. */
  start(): Promise<void> {
    this.#starting ??= this.#start().catch((error: unknown) => {
      this.#starting = undefined;
      throw error;
    });
    return this.#starting;
  }

  /**
   * Streams the turn that answers an input. Events are held back until `append` has its seq: a turn
   * may begin before the answer to the append is here.
   */
  async ask(append: () => Promise<{ seq: number }>): Promise<{ seq: number; stream: TurnStream }> {
    await this.start();
    this.#holders += 1;
    this.#held ??= [];
    try {
      const { seq } = await append();
      this.#remember({ asked: seq });
      return { seq, stream: this.#ask(seq) };
    } finally {
      this.#holders -= 1;
      if (this.#holders === 0) this.#release();
    }
  }

  /** Streams the turn of an input that a former page sent. */
  async again(seq: number): Promise<TurnStream> {
    await this.start();
    return this.#ask(seq, true);
  }

  /** Streams a turn of others: the oldest that nobody reads here, or the next. */
  async join(): Promise<TurnStream> {
    await this.start();
    return turnStream((reader) => this.#router.join(reader), (reader) => this.#leave(reader));
  }

  /** Ends the subscription unless somebody still reads or watches. */
  closeIfIdle(): void {
    if (!this.#router.busy && this.#holders === 0 && this.listeners.size === 0) this.close();
  }

  close(): void {
    this.#subscription?.close();
  }

  #ask(seq: number, past = false): TurnStream {
    return turnStream((reader) => this.#router.ask(seq, reader, past),
      (reader) => this.#leave(reader));
  }

  #leave(reader: TurnReader): void {
    this.#router.leave(reader);
    this.closeIfIdle();
  }

  async #start(): Promise<void> {
    const { cursor } = this.memory.get(this.chatId) ?? {};
    const newest = await this.session.newest();
    this.#router.begin(cursor, newest);
    const subscription = this.session.subscribe(cursor === undefined ? {} : { after: cursor });
    this.#subscription = subscription;
    void this.#run(subscription);
  }

  async #run(subscription: Subscription): Promise<void> {
    let failure: Error | undefined;
    try {
      for await (const event of subscription) {
        if (this.#held !== undefined && event.type !== "state") this.#held.push(event);
        else this.#take(event);
      }
    } catch (error) {
      failure = error as Error;
    }
    this.#subscription = undefined;
    this.#starting = undefined;
    this.#router.fail(failure);
    if (failure !== undefined) this.#tell((one) => one.error?.(failure));
  }

  #release(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const event of held) this.#take(event);
    this.closeIfIdle();
  }

  #take(event: SessionEvent): void {
    if (event.type === "chunk") this.#router.chunk(event.seq, event.chunk);
    else if (event.type === "turn-complete") {
      this.#router.boundary(event.seq, event.answered);
      this.#remember({ cursor: event.seq });
    } else if (event.type === "session-closed") this.#router.fail(undefined);
    else if (event.type === "gap") {
      this.#router.fail(new TidegateError("gap",
        `a part of the chat can't be read any more (${event.reason}): load it again`));
    }
    this.#tell((one) => one.event?.(event));
    if (event.type === "turn-complete") this.closeIfIdle();
  }

  #remember(news: { cursor?: number; asked?: number }): void {
    const mark = { ...this.memory.get(this.chatId), ...news };
    if (news.cursor !== undefined) {
      delete mark.asked;
      const asked = this.#router.outstanding;
      if (asked !== undefined) mark.asked = asked;
    }
    this.memory.set(this.chatId, mark);
  }

  #tell(tell: (listener: FeedListener) => void): void {
    for (const listener of [...this.listeners]) tell(listener);
  }
}

export interface TurnStream {
  stream: ReadableStream<Chunk>;
  /** Ends the stream here; the turn goes on. */
  leave(): void;
  /** Resolves when the stream has ended, however. */
  over: Promise<void>;
}

function turnStream(enter: (reader: TurnReader) => void,
  left: (reader: TurnReader) => void): TurnStream {
  let controller!: ReadableStreamDefaultController<Chunk>;
  let over = false;
  let ended!: () => void;
  const end = new Promise<void>((resolve) => (ended = resolve));
  const reader: TurnReader = {
    chunk: (chunk) => over || controller.enqueue(chunk),
    end: () => finish(() => controller.close()),
    fail: (error) => finish(() => controller.error(error)),
  };
  const finish = (act: () => void) => {
    if (over) return;
    over = true;
    act();
    ended();
  };
  const leave = () => {
    finish(() => controller.close());
    left(reader);
  };
  const stream = new ReadableStream<Chunk>({
    start: (own) => void (controller = own),
    cancel: () => {
      finish(() => undefined);
      left(reader);
    },
  });
  enter(reader);
  return { stream, leave, over: end };
}
