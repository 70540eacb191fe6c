// One session: what a person says, and what comes back.

import { TidegateError, unreachable } from "./errors.js";
import { patiently } from "./patience.js";
import type { PendingAppend } from "./outbox.js";
import * as payloads from "./payloads.js";
import type { Message, SendOptions } from "./payloads.js";
import { Subscription } from "./subscription.js";
import type { Hub, SubscribeOptions } from "./subscription.js";
import type { OutboxEntry } from "./state/outbox.js";
import type { Http } from "./transports/http.js";
import { streamPath } from "./transports/paths.js";
import type { Place, TransportName } from "./wire.js";

export interface AppendOptions {
  /** Names the append: with the same one it is written once. Made up if absent. */
  partId?: string;
  /** `in` unless said otherwise; `out` needs a secret key. */
  channel?: "in" | "out";
  /** A side channel. */
  side?: string;
}

export interface ReadOptions extends SubscribeOptions {
  channel?: "in" | "out";
  side?: string;
}

export interface CreateOptions {
  /** The agent's id. */
  agent: string;
  type?: string;
  basePayload?: object;
  triggerConfig?: object;
  tags?: string[];
  metadata?: object;
  expiresAt?: string;
}

/** One record of a page (R-PG-1). */
export interface PageRecord {
  seqNum: number;
  id: string;
  data: unknown;
  headers?: [string, string][];
}

export interface Transcript {
  messages: Message[];
  cursors?: { lastOutEventId?: string; lastInEventId?: string };
  nextCursor?: string;
}

/** A person's decision about a tool call. */
export interface Approval {
  /** The assistant's message that asks. */
  messageId: string;
  toolCallId: string;
  /** The tool part's `type`: `tool-NAME`, or `dynamic-tool` with `toolName`. */
  type: string;
  toolName?: string;
  approval: { id: string; approved: boolean; reason?: string };
}

/** What a tool that runs in the page gave. */
export interface ToolOutput {
  messageId: string;
  toolCallId: string;
  type: string;
  toolName?: string;
  output?: unknown;
  /** Instead of `output`: it failed. */
  errorText?: string;
}

export interface SessionDeps {
  hub: Hub;
  http: Http;
  add(entry: OutboxEntry): PendingAppend;
  id(): string;
}

export class Session {
  readonly #subscriptions = new Set<Subscription>();

  constructor(
    /** Either form of its name. */
    readonly name: string,
    private readonly deps: SessionDeps,
  ) {}

  /** Says something: a text, or a UIMessage. While a turn runs, it steers that turn. */
  send(message: string | Message,
    options: SendOptions & { partId?: string; messageId?: string } = {}): PendingAppend {
    const whole = typeof message === "string"
      ? payloads.userMessage(message, this.deps.id()) : message;
    return this.#input(payloads.submit(whole, options), options);
  }

  /** Asks for another answer instead of `messageId`, or of the last one. */
  regenerate(messageId?: string, options: SendOptions = {}): PendingAppend {
    return this.#input(payloads.regenerate(messageId, options), {});
  }

  /** An action of the agent; it ends in a boundary of its own. */
  action(value: unknown, options: SendOptions = {}): PendingAppend {
    return this.#input(payloads.action(value, options), {});
  }

  /** Stops the turn that runs when the gateway reads it; never a later one. */
  stop(): PendingAppend {
    return this.append(payloads.stop());
  }

  /** Answers a tool call's question. The turn goes on when all questions are answered. */
  approve(decision: Approval, options: SendOptions = {}): PendingAppend {
    const { messageId, ...part } = decision;
    return this.send(payloads.toolAnswer(messageId, { ...part, state: "approval-responded" }),
      options);
  }

  /** Gives a tool call's output. */
  toolOutput(result: ToolOutput, options: SendOptions = {}): PendingAppend {
    const { messageId, ...part } = result;
    const state = part.errorText === undefined ? "output-available" : "output-error";
    return this.send(payloads.toolAnswer(messageId, { ...part, state }), options);
  }

  /** Appends what you like. Kept while there is no connection, in order, written once. */
  append(body: string, options: AppendOptions = {}): PendingAppend {
    const { channel = "in", side, partId = this.deps.id() } = options;
    return this.deps.add({ ...this.#place(channel, side), partId, body });
  }

  /** Follows `.out` (or another stream) over turns, until you leave the loop or abort. */
  subscribe(options: ReadOptions = {}): Subscription {
    const { channel = "out", side, ...rest } = options;
    const subscription: Subscription = new Subscription(this.#place(channel, side), rest, {
      ...this.deps.hub,
      opened: (one) => {
        this.#subscriptions.add(one);
        this.deps.hub.opened(one);
      },
      ended: (one) => {
        this.#subscriptions.delete(one);
        this.deps.hub.ended(one);
      },
    });
    return subscription;
  }

  /** Hands every live subscription of this session over to another transport. */
  moveTo(transport: TransportName): void {
    for (const subscription of this.#subscriptions) subscription.moveTo(transport);
  }

  /** Records after `after` (or from the latest turn on), page by page. */
  async *records(options: { after?: number; limit?: number; channel?: "in" | "out";
    side?: string } = {}): AsyncGenerator<PageRecord, void, undefined> {
    const { channel = "out", side, limit = 1000 } = options;
    let { after } = options;
    for (;;) {
      const query = new URLSearchParams({ limit: String(limit) });
      if (after !== undefined) query.set("afterEventId", String(after));
      const { records } = await this.#json<{ records: PageRecord[] }>(
        `${streamPath(this.#place(channel, side))}/records?${query}`);
      yield* records;
      const last = records.at(-1);
      if (last === undefined) return;
      after = last.seqNum;
    }
  }

  /** The session's messages (a secret key's right, R-TSC-1). */
  transcript(options: { limit?: number; before?: string } = {}): Promise<Transcript> {
    const query = new URLSearchParams();
    if (options.limit !== undefined) query.set("limit", String(options.limit));
    if (options.before !== undefined) query.set("before", options.before);
    return this.#json(`/api/v1/sessions/${encodeURIComponent(this.name)}/transcript?${query}`);
  }

  /** What became of the inputs after `after` (R-FATE). */
  async inputs(after?: number): Promise<{ seq: number; fate: string | null; turn?: number }[]> {
    const query = after === undefined ? "" : `?after=${after}`;
    const path = `/v1/sessions/${encodeURIComponent(this.name)}/inputs${query}`;
    const { inputs } = await this.#json<{ inputs: { seq: number; fate: string | null }[] }>(path);
    return inputs;
  }

  /** Creates the session, or finds it, where the token may (R-CRT). */
  async create(options: CreateOptions): Promise<{ id: string; isCached: boolean }> {
    const { agent, type = "chat.agent", basePayload = {}, triggerConfig, ...rest } = options;
    const body = JSON.stringify({ type, externalId: this.name, taskIdentifier: agent,
      triggerConfig: { ...triggerConfig, basePayload }, ...rest });
    // Its name makes a repetition harmless: a session that is there is found.
    const created = await patiently(() => this.#post<
      { id: string; isCached: boolean; publicAccessToken?: string }>("/api/v1/sessions", body));
    if (created.publicAccessToken !== undefined) {
      this.deps.hub.tokens.offer(this.name, created.publicAccessToken);
    }
    return created;
  }

  /** Closes the session (R-CLS): what was accepted is still answered. */
  close(reason?: string): Promise<{ closedReason: string | null }> {
    const path = `/api/v1/sessions/${encodeURIComponent(this.name)}/close`;
    return this.#post(path, JSON.stringify({ reason }));
  }

  /** The seq of the newest record of `.out`; -1 if there is none (R-PG-2). */
  async newest(): Promise<number> {
    const response = await this.deps.http.ask(this.name, streamPath(this.#place("out", undefined)),
      { method: "HEAD" });
    return Number(response.headers.get("x-last-chunk-index") ?? "-1");
  }

  /** Does a turn run, or is an answer owed? (R-SET) */
  async busy(): Promise<boolean> {
    const abort = new AbortController();
    const newest = await this.newest();
    try {
      if (newest < 0) return (await this.inputs()).some(({ fate }) => fate === null);
      const response = await this.deps.http.ask(this.name,
        streamPath(this.#place("out", undefined)), { signal: abort.signal,
          headers: { "x-peek-settled": "1", "last-event-id": String(newest) } });
      return response.headers.get("x-session-settled") !== "true";
    } finally {
      abort.abort();
    }
  }

  #input(body: string, options: AppendOptions): PendingAppend {
    const pending = this.append(body, options.partId === undefined ? {}
      : { partId: options.partId });
    pending.then(({ seq }) => {
      for (const one of this.#subscriptions) {
        if (one.place.channel === "out" && one.place.side === undefined) one.owe(seq);
      }
    }, () => undefined);
    return pending;
  }

  #place(channel: "in" | "out", side: string | undefined): Place {
    const place: Place = { session: this.name, channel };
    if (side !== undefined) place.side = side;
    return place;
  }

  async #post<T>(path: string, body: string): Promise<T> {
    const response = await this.deps.http.ask(this.name, path,
      { method: "POST", body, headers: { "content-type": "application/json" } });
    try {
      return (await response.json()) as T;
    } catch (cause) {
      throw unreachable(cause);
    }
  }

  async #json<T>(path: string): Promise<T> {
    const response = await this.deps.http.ask(this.name, path);
    try {
      return (await response.json()) as T;
    } catch (cause) {
      throw new TidegateError("protocol", "the gateway's answer is not JSON", { cause });
    }
  }
}
