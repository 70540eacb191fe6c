// One connection for all tabs of an origin. Each tab's reads and appends go through the tab that
// leads; when that changes, they are cut, and come back with their cursors and part ids.

import { TidegateError } from "../errors.js";
import type { Tokens } from "../tokens.js";
import type { AppendRequest, Read, ReadRequest, ReadSink, Transport } from "../transports/seam.js";
import type { Appended, TransportName } from "../wire.js";
import { Election } from "./election.js";
import { unpackEnd, unpackError } from "./errors.js";
import { Leader } from "./leader.js";
import type { FromLeader } from "./messages.js";

type OfRead = Extract<FromLeader,
  { t: "opened" | "records" | "gap" | "alive" | "leaving" | "ended" }>;

interface Waiting<T> {
  resolve(value: T): void;
  reject(error: TidegateError): void;
}

/** What this tab wants of whoever leads. */
export class SharedConnection {
  readonly #election: Election;
  readonly #leader: Leader;
  readonly #sinks = new Map<number, ReadSink>();
  readonly #appends = new Map<number, Waiting<Appended>>();
  readonly #proofs = new Map<number, (works: boolean) => void>();
  /** Transports over which the leader has opened a read for us. */
  readonly #live = new Set<TransportName>();
  #led: (() => void)[] = [];
  #numbers = 0;

  constructor(key: string, locks: LockManager,
    private readonly local: ReadonlyMap<TransportName, Transport>,
    private readonly tokens: Tokens) {
    this.#election = new Election(`tidegate:${key}`, locks, {
      lead: () => this.#changed(),
      resign: () => this.#resign(),
      follow: () => this.#changed(),
      asked: (message) => this.#leader.heard(message),
      told: (message) => this.#told(message),
    });
    this.#leader = new Leader(local, (tab, message) => this.#election.tell(tab, message),
      (tab, then) => this.#election.gone(tab, then));
    this.#election.enter();
  }

  get leads(): boolean {
    return this.#election.leads;
  }

  /** Can an append go over it at once? */
  ready(transport: TransportName): boolean {
    return this.leads ? this.#local(transport).ready : this.#live.has(transport);
  }

  enter(): void {
    this.#election.enter();
  }

  leave(): void {
    this.#election.leave();
    this.#cut();
  }

  read(transport: TransportName, request: ReadRequest, sink: ReadSink): Read {
    const read = new SharedRead(sink);
    void this.#open(transport, request, read);
    return read;
  }

  async append(transport: TransportName, request: AppendRequest): Promise<Appended> {
    const token = await this.tokens.get(request.session);
    await this.#someLeader();
    if (this.leads) return this.#local(transport).append(request);
    const n = ++this.#numbers;
    return new Promise((resolve, reject) => {
      this.#appends.set(n, { resolve, reject });
      this.#election.ask({ t: "append", tab: this.#election.tab, n, transport,
        request: { ...request, token } });
    });
  }

  async prove(transport: TransportName): Promise<boolean> {
    this.enter();
    await this.#someLeader();
    if (this.leads) return this.#local(transport).prove();
    const n = ++this.#numbers;
    return new Promise((resolve) => {
      this.#proofs.set(n, resolve);
      this.#election.ask({ t: "prove", tab: this.#election.tab, n, transport });
    });
  }

  async #open(transport: TransportName, request: ReadRequest, read: SharedRead): Promise<void> {
    this.enter();
    try {
      const token = await this.tokens.get(request.session);
      await this.#someLeader();
      if (read.over) return;
      const n = ++this.#numbers;
      this.#sinks.set(n, { ...read.sink, opened: (from) => {
        this.#live.add(transport);
        read.sink.opened(from);
      } });
      if (this.leads) {
        const own = this.#local(transport).read(request, read.sink);
        return read.begin(own, () => void this.#sinks.delete(n));
      }
      const { tab } = this.#election;
      read.begin({
        probe: () => this.#election.ask({ t: "probe", tab, n }),
        taken: (seq, bytes) => this.#election.ask({ t: "taken", tab, n, seq, bytes }),
        close: () => this.#election.ask({ t: "close", tab, n }),
      }, () => void this.#sinks.delete(n));
      this.#election.ask({ t: "read", tab, n, transport, request: { ...request, token } });
    } catch (error) {
      const typed = error as TidegateError;
      read.sink.ended({ why: "refused", error: typed });
    }
  }

  #local(transport: TransportName): Transport {
    const local = this.local.get(transport);
    if (local === undefined) throw new TidegateError("no_transport", `no ${transport} here`);
    return local;
  }

  #someLeader(): Promise<void> {
    if (this.#election.leader !== undefined) return Promise.resolve();
    this.#election.ask({ t: "hello", tab: this.#election.tab });
    return new Promise((resolve) => this.#led.push(resolve));
  }

  /** Whoever led before does nothing for us any more. */
  #changed(): void {
    this.#cut();
    if (this.#election.leader === undefined) return;
    const waiting = this.#led;
    this.#led = [];
    for (const resolve of waiting) resolve();
  }

  #resign(): void {
    this.#leader.close();
    for (const transport of this.local.values()) transport.suspend();
    this.#cut();
  }

  #cut(): void {
    const error = new TidegateError("unreachable", "another tab has the connection now",
      { retry: true });
    this.#live.clear();
    for (const sink of [...this.#sinks.values()]) sink.ended({ why: "cut", retryMs: 0 });
    this.#sinks.clear();
    for (const { reject } of this.#appends.values()) reject(error);
    this.#appends.clear();
    for (const resolve of this.#proofs.values()) resolve(false);
    this.#proofs.clear();
  }

  #told(message: FromLeader): void {
    if (message.t === "lead" || message.t === "resign") return;
    const { n } = message;
    if (message.t === "appended") this.#append(n)?.resolve(message.answer);
    else if (message.t === "failed") this.#append(n)?.reject(unpackError(message.error));
    else if (message.t === "proof") {
      this.#proofs.get(n)?.(message.works);
      this.#proofs.delete(n);
    } else this.#ofRead(message);
  }

  #append(n: number): Waiting<Appended> | undefined {
    const waiting = this.#appends.get(n);
    this.#appends.delete(n);
    return waiting;
  }

  #ofRead(message: OfRead): void {
    const sink = this.#sinks.get(message.n);
    if (sink === undefined) return;
    if (message.t === "opened") sink.opened(message.from);
    else if (message.t === "records") void sink.records(message.records);
    else if (message.t === "gap") sink.gap(message.gap);
    else if (message.t === "alive") sink.alive(message.tail);
    else if (message.t === "leaving") sink.leaving(message.afterMs);
    else sink.ended(unpackEnd(message.end));
  }
}

class SharedRead implements Read {
  over = false;
  #read: Read | undefined;
  #forget: () => void = () => undefined;
  readonly sink: ReadSink;

  constructor(to: ReadSink) {
    this.sink = { ...to, ended: (end) => {
      if (this.over) return;
      this.#finish();
      to.ended(end);
    } };
  }

  begin(read: Read, forget: () => void): void {
    this.#read = read;
    this.#forget = forget;
    if (this.over) this.close();
  }

  probe(): void {
    if (!this.over) this.#read?.probe();
  }

  taken(seq: number, bytes: number): void {
    if (!this.over) this.#read?.taken(seq, bytes);
  }

  close(): void {
    if (this.over) return;
    this.#finish();
    this.#read?.close();
  }

  #finish(): void {
    this.over = true;
    this.#forget();
  }
}

/** A duplex transport whose connection is that of the leading tab. */
export class SharedTransport implements Transport {
  readonly exact = true;
  readonly costly = false;

  constructor(readonly name: TransportName, private readonly shared: SharedConnection,
    private readonly local: Transport) {}

  get ready(): boolean {
    return this.shared.ready(this.name);
  }

  read(request: ReadRequest, sink: ReadSink): Read {
    return this.shared.read(this.name, request, sink);
  }

  append(request: AppendRequest): Promise<Appended> {
    return this.shared.append(this.name, request);
  }

  prove(): Promise<boolean> {
    return this.shared.prove(this.name);
  }

  suspend(): void {
    this.shared.leave();
    this.local.suspend();
  }

  close(): void {
    this.shared.leave();
    this.local.close();
  }
}
