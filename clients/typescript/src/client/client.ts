// The client: one connection for all sessions, credentials, and what the page goes through.

import { TidegateError } from "./errors.js";
import { Outbox } from "./outbox.js";
import type { OutboxStorage } from "./outbox.js";
import { watchPage } from "./page.js";
import { Session } from "./session.js";
import type { OutboxEntry, OutboxLimits } from "./state/outbox.js";
import { Selector } from "./state/selector.js";
import type { Hub, Subscription } from "./subscription.js";
import { Starter } from "./starter.js";
import type { StartSession } from "./starter.js";
import { Tokens } from "./tokens.js";
import type { TokenSource } from "./tokens.js";
import { Http } from "./transports/http.js";
import { makeTransports } from "./transports/make.js";
import type { TransportOptions } from "./transports/make.js";
import { base } from "./transports/paths.js";
import type { Transport } from "./transports/seam.js";
import type { Appended, TransportName } from "./wire.js";

export interface ClientOptions extends TransportOptions {
  /** The gateway's address. */
  url: string;
  /** A token or key; or a function that gets one for a session, asked one at a time for each. */
  token: TokenSource;
  /** Creates a session that an append found missing; may return its token. Asked once each. */
  start?: StartSession;
  /** Sent with every HTTP request. */
  headers?: Record<string, string>;
  fetch?: typeof fetch;
  outbox?: {
    limits?: OutboxLimits;
    storage?: OutboxStorage;
    /** An append of a former page was committed, or failed for good. */
    onRestored?: (entry: OutboxEntry, outcome: Appended | TidegateError) => void;
  };
}

export class Client {
  readonly url: string;
  readonly #sessions = new Map<string, Session>();
  readonly #subscriptions = new Set<Subscription>();
  readonly #transports: Map<TransportName, Transport>;
  readonly #selector: Selector;
  readonly #tokens: Tokens;
  readonly #http: Http;
  readonly #outbox: Outbox;
  readonly #starter: Starter;
  readonly #unwatch: () => void;
  #proving = false;
  #proof: ReturnType<typeof setTimeout> | undefined;
  #closed = false;

  constructor(options: ClientOptions) {
    this.url = base(options.url);
    this.#tokens = new Tokens(options.token);
    this.#http = new Http({ url: this.url, tokens: this.#tokens, headers: options.headers ?? {},
      fetch: options.fetch ?? ((input, init) => fetch(input, init)) });
    this.#transports = makeTransports(this.url, this.#http, this.#tokens, options);
    this.#selector = new Selector([...this.#transports.keys()]);
    this.#starter = new Starter(options.start, this.#tokens);
    const { limits, storage, onRestored = () => undefined } = options.outbox ?? {};
    this.#outbox = new Outbox({ random: Math.random, restored: onRestored,
      append: (entry) => this.#append(entry),
      ...(limits === undefined ? {} : { limits }), ...(storage === undefined ? {} : { storage }) });
    this.#unwatch = watchPage({
      wake: () => this.wake(),
      online: (online) => this.#online(online),
      hide: () => this.suspend(),
      show: () => this.resume(),
    });
  }

  /** A session by either form of its name. It need not exist yet. */
  session(name: string): Session {
    let session = this.#sessions.get(name);
    if (session === undefined) {
      session = new Session(name, { hub: this.#hub(), http: this.#http,
        id: () => crypto.randomUUID(), add: (entry) => this.#outbox.add(entry) });
      this.#sessions.set(name, session);
    }
    return session;
  }

  /** Appends that have no answer yet. */
  get pending(): readonly OutboxEntry[] {
    return this.#outbox.pending;
  }

  /** Tries everything that waits now. Called by itself when a page becomes visible. */
  wake(): void {
    this.#outbox.wake();
    for (const subscription of this.#subscriptions) subscription.wake();
  }

  /** Closes every connection, and goes on with `resume`. Called by itself when a page hides. */
  suspend(): void {
    for (const subscription of this.#subscriptions) subscription.suspend();
    for (const transport of this.#transports.values()) transport.suspend();
  }

  resume(): void {
    for (const subscription of this.#subscriptions) subscription.resume();
    this.#outbox.wake();
  }

  /** Ends everything. Appends without an answer stay in the outbox's storage, if it has one. */
  close(): void {
    this.#closed = true;
    this.#unwatch();
    clearTimeout(this.#proof);
    this.#outbox.close();
    for (const subscription of this.#subscriptions) subscription.close();
    for (const transport of this.#transports.values()) transport.close();
  }

  #hub(): Hub {
    return {
      transport: (name) => this.#transport(name),
      selector: this.#selector,
      tokens: this.#tokens,
      random: Math.random,
      failed: () => this.#changed(),
      opened: (subscription) => {
        this.#subscriptions.add(subscription);
        void this.#prove();
      },
      ended: (subscription) => void this.#subscriptions.delete(subscription),
    };
  }

  #transport(name: TransportName): Transport {
    const transport = this.#transports.get(name);
    if (transport === undefined) {
      throw new TidegateError("no_transport", `this client has no transport ${name}`);
    }
    return transport;
  }

  #append(entry: OutboxEntry): Promise<Appended> {
    const ready = [...this.#transports.values()].find((one) => one.ready && one.exact);
    return this.#starter.with(entry.session, () => (ready ?? this.#http).append(entry));
  }

  #online(online: boolean): void {
    this.#outbox.online(online);
    if (!online) return;
    this.#selector.forgive();
    this.wake();
    void this.#prove();
  }

  #changed(): void {
    queueMicrotask(() => {
      for (const subscription of this.#subscriptions) subscription.preferences();
    });
    void this.#prove();
  }

  /** Tries better transports beside what runs; nobody waits for it. */
  async #prove(): Promise<void> {
    if (this.#proving || this.#closed) return;
    this.#proving = true;
    clearTimeout(this.#proof);
    let name: TransportName | undefined;
    while ((name = this.#selector.candidate(performance.now())) !== undefined && this.#wanted) {
      if (!(await this.#transport(name).prove())) {
        this.#selector.failed(name, performance.now());
        continue;
      }
      this.#selector.proven(name);
      for (const subscription of this.#subscriptions) subscription.preferences();
    }
    this.#proving = false;
    const at = this.#selector.retryAt(performance.now());
    if (at === undefined || !this.#wanted) return;
    this.#proof = setTimeout(() => void this.#prove(), at - performance.now() + 1);
  }

  get #wanted(): boolean {
    return !this.#closed && this.#subscriptions.size > 0;
  }
}

/** A client of the gateway at `url`. */
export function createClient(options: ClientOptions): Client {
  return new Client(options);
}
