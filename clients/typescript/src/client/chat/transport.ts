// The gateway as the transport of `useChat`: of `ai` 5, 6 and 7, whose types alone are used.

import type { ChatTransport, UIMessage, UIMessageChunk } from "ai";
import { Client } from "../client.js";
import type { ClientOptions } from "../client.js";
import { TidegateError } from "../errors.js";
import type { PendingAppend } from "../outbox.js";
import type { Message, SendOptions } from "../payloads.js";
import type { Session } from "../session.js";
import type { Appended } from "../wire.js";
import { ChatFeed } from "./feed.js";
import type { FeedListener, TurnStream } from "./feed.js";
import { pageMemory } from "./memory.js";
import type { ChatMemory } from "./memory.js";
import { Tabs } from "./tabs.js";
import type { Said } from "./tabs.js";

export interface ChatTransportOptions {
  /** A client that is shared, or the options for one of its own. */
  client: Client | ClientOptions;
  /** Where chats remember how far they were read, for reloads: `webMemory(sessionStorage)`, say. */
  memory?: ChatMemory;
  /** Goes with every message; what a single one brings wins. */
  metadata?: object | (() => object);
}

type SendArguments<M extends UIMessage> = Parameters<ChatTransport<M>["sendMessages"]>[0];

export class TidegateChatTransport<M extends UIMessage = UIMessage> implements ChatTransport<M> {
  /** Reconnecting replays the turn from its start (`ai` 6 and 7 ask). */
  readonly resumeStreamIsReplay = true;
  readonly client: Client;
  readonly #memory: ChatMemory;
  readonly #feeds = new Map<string, ChatFeed>();
  readonly #tabs: Tabs;
  readonly #sending = new Map<string, number>();

  constructor(private readonly options: ChatTransportOptions) {
    this.client = options.client instanceof Client ? options.client : new Client(options.client);
    this.#memory = options.memory ?? pageMemory();
    this.#tabs = new Tabs(this.client.url);
  }

  /** The session behind a chat: what `useChat` has no word for. */
  session(chatId: string): Session {
    return this.client.session(chatId);
  }

  async sendMessages(ask: SendArguments<M>): Promise<ReadableStream<UIMessageChunk>> {
    const { chatId, abortSignal } = ask;
    const feed = this.#feed(chatId);
    const session = this.session(chatId);
    const { stream } = await feed.ask(() => this.#tell(saidBy(ask), this.#append(session, ask)));
    this.#count(chatId, 1);
    void stream.over.then(() => {
      this.#count(chatId, -1);
      abortSignal?.removeEventListener("abort", stop);
    });
    const stop = () => {
      stream.leave();
      session.stop().catch(() => undefined);
    };
    if (abortSignal?.aborted === true) stop();
    abortSignal?.addEventListener("abort", stop, { once: true });
    return chunks(stream);
  }

  /** The turn that runs, from its start; null if none does. Its abort signal stops nothing. */
  async reconnectToStream({ chatId }: { chatId: string }):
  Promise<ReadableStream<UIMessageChunk> | null> {
    const feed = this.#feed(chatId);
    if (feed.joinable) return chunks(await feed.join());
    const asked = this.#memory.get(chatId)?.asked;
    // It is streamed already, or was stopped here.
    if (feed.outstanding !== undefined) return null;
    if (asked !== undefined) return chunks(await feed.again(asked));
    if (!(await this.session(chatId).busy())) return null;
    return chunks(await feed.join());
  }

  /** Is there a turn of others that `reconnectToStream` would stream at once? */
  joinable(chatId: string): boolean {
    return this.#feed(chatId).joinable;
  }

  /** Is an answer to a message of this page streamed? */
  sending(chatId: string): boolean {
    return (this.#sending.get(chatId) ?? 0) > 0;
  }

  /** Tells those who watch again that a turn waits to be joined. */
  rejoin(chatId: string): void {
    for (const listener of this.#feed(chatId).listeners) listener.turn?.();
  }

  /** Follows the chat over turns, until the returned function is called. */
  watch(chatId: string, listener: FeedListener & { said?(said: Said): void }): () => void {
    const feed = this.#feed(chatId);
    feed.listeners.add(listener);
    const unlisten = this.#tabs.listen(chatId, (said) => listener.said?.(said));
    feed.start().catch((error: Error) => listener.error?.(error));
    return () => {
      unlisten();
      feed.listeners.delete(listener);
      feed.closeIfIdle();
    };
  }

  /** Says a message while a turn runs: it steers that turn, or is answered after it. */
  async steer(chatId: string, message: Message, options: SendOptions = {}): Promise<number> {
    const sent = this.session(chatId).send(message, this.#with(options));
    return (await this.#tell({ chatId, message }, sent)).seq;
  }

  /** Closes the client, if it was made here. */
  close(): void {
    this.#tabs.close();
    for (const feed of this.#feeds.values()) feed.close();
    if (!(this.options.client instanceof Client)) this.client.close();
  }

  #count(chatId: string, by: number): void {
    this.#sending.set(chatId, (this.#sending.get(chatId) ?? 0) + by);
  }

  /** The other tabs hear of it before its answer can begin. */
  async #tell(said: Said, sent: PendingAppend): Promise<Appended> {
    this.#tabs.say(said);
    try {
      const answer = await sent;
      this.#tabs.say({ ...said, seq: answer.seq });
      return answer;
    } catch (error) {
      this.#tabs.say({ ...said, failed: true });
      throw error;
    }
  }

  #append(session: Session, ask: SendArguments<M>): PendingAppend {
    const { trigger, messageId, messages, metadata, body } = ask;
    const { action, ...rest } = { ...body } as Record<string, unknown>;
    const options = this.#with({ metadata, body: rest });
    if (action !== undefined) return session.action(action, options);
    if (trigger === "regenerate-message") return session.regenerate(messageId, options);
    const message = messages.at(-1);
    if (message === undefined) throw new TidegateError("protocol", "there is no message to send");
    return session.send(plain(message), messageId === undefined
      ? options : { ...options, messageId });
  }

  #with({ metadata, body }: SendOptions): SendOptions {
    const { metadata: own } = this.options;
    const always = typeof own === "function" ? own() : own;
    const all = always === undefined
      ? metadata : { ...always, ...(metadata as object | undefined) };
    const options: SendOptions = {};
    if (all !== undefined) options.metadata = all;
    if (body !== undefined) options.body = body;
    return options;
  }

  #feed(chatId: string): ChatFeed {
    let feed = this.#feeds.get(chatId);
    if (feed === undefined) {
      feed = new ChatFeed(this.session(chatId), this.#memory, chatId);
      this.#feeds.set(chatId, feed);
    }
    return feed;
  }
}

function saidBy<M extends UIMessage>({ chatId, trigger, messageId, messages, body }:
SendArguments<M>): Said {
  if (trigger === "regenerate-message") return { chatId, regenerate: messageId ?? null };
  const message = messages.at(-1);
  const action = (body as { action?: unknown } | undefined)?.action !== undefined;
  return message?.role === "user" && !action ? { chatId, message: plain(message) } : { chatId };
}

/** The gateway has held them to the grammar of chunks (R-UI-3). */
function chunks({ stream }: TurnStream): ReadableStream<UIMessageChunk> {
  return stream as unknown as ReadableStream<UIMessageChunk>;
}

function plain(message: UIMessage): Message {
  return message as unknown as Message;
}
