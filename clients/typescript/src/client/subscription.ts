// The driver of one subscription: reads come and go, events are queued for whoever iterates.

import { TidegateError } from "./errors.js";
import { toEvent } from "./events.js";
import type { SessionEvent } from "./events.js";
import { FollowMachine } from "./state/follow.js";
import type { FollowOutput } from "./state/follow.js";
import { Position } from "./state/position.js";
import type { Selector } from "./state/selector.js";
import { Turns } from "./state/turns.js";
import type { Read, ReadRequest, ReadSink, Transport } from "./transports/seam.js";
import type { Tokens } from "./tokens.js";
import type { Gap, Place, TransportName, WireRecord } from "./wire.js";

export interface SubscribeOptions {
  /** The cursor: only what follows this seq. */
  after?: number;
  /** Without a cursor: from the latest turn on (`floor`, the default), or only what is new. */
  start?: "floor" | "latest";
  /** Where it begins; another one where that fails. The client's choice if absent. */
  transport?: TransportName;
  /** Ends the subscription, and the iteration. */
  signal?: AbortSignal;
}

/** What subscriptions of one client share. */
export interface Hub {
  transport(name: TransportName): Transport;
  selector: Selector;
  tokens: Tokens;
  random: () => number;
  /** A transport failed a subscription. */
  failed(name: TransportName): void;
  opened(subscription: Subscription): void;
  ended(subscription: Subscription): void;
}

interface Item {
  event: SessionEvent;
  read?: number;
  bytes: number;
}

/** What may wait for the application before no more is read. */
const QUEUE_BYTES = 1 << 20;
/** From here on the gateway, too, may wait for the application. */
const HELD_BYTES = QUEUE_BYTES / 4;

export class Subscription implements AsyncIterable<SessionEvent> {
  readonly #machine: FollowMachine;
  readonly #position: Position;
  readonly #turns = new Turns();
  readonly #reads = new Map<number, Read>();
  #queue: Item[] = [];
  #queued = 0;
  #error: TidegateError | undefined;
  #over = false;
  #wake: (() => void) | undefined;
  #room: { promise: Promise<void>; resolve: () => void } | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #pumping = false;

  constructor(readonly place: Place, private readonly options: SubscribeOptions,
    private readonly hub: Hub) {
    if (options.after !== undefined && options.after < 0) {
      throw new TidegateError("invalid_cursor", `a cursor is a seq: ${options.after}`);
    }
    this.#position = new Position(options.after);
    this.#machine = new FollowMachine(hub.selector, {
      random: hub.random,
      costly: (name) => hub.transport(name).costly,
    });
    if (options.transport !== undefined) this.moveTo(options.transport);
    hub.opened(this);
    if (options.signal?.aborted === true) this.close();
    options.signal?.addEventListener("abort", this.close, { once: true });
    this.#do((now) => this.#machine.start(now));
  }

  /** The last seq that arrived: what a later subscription may begin after. */
  get cursor(): number | undefined {
    const { cursor } = this.#position;
    return cursor === -1 ? undefined : cursor;
  }

  /** What brings records at the moment. */
  get transport(): TransportName | undefined {
    return this.#machine.transport;
  }

  /** Does a turn run, as far as is known here? */
  get running(): boolean {
    return this.#turns.running;
  }

  /** Hands the live subscription over to another transport, at whatever record it is. */
  moveTo(transport: TransportName): void {
    this.hub.transport(transport);
    this.#do((now) => this.#machine.moveTo(transport, now));
  }

  readonly close = (): void => this.#do(() => this.#machine.end());

  /** An answer is expected for this `.in` seq. */
  owe(seq: number): void {
    this.#do(() => this.#turns.owe(seq));
  }

  wake(): void {
    this.#do((now) => this.#machine.wake(now));
  }

  suspend(): void {
    this.#do(() => this.#machine.suspend());
  }

  resume(): void {
    this.#do((now) => this.#machine.resume(now));
  }

  preferences(): void {
    this.#do((now) => this.#machine.preferences(now));
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<SessionEvent, void, undefined> {
    try {
      for (;;) {
        let item: Item | undefined;
        while ((item = this.#queue.shift()) !== undefined) {
          this.#took(item);
          yield item.event;
        }
        if (this.#over) break;
        await new Promise<void>((wake) => (this.#wake = wake));
        this.#wake = undefined;
      }
      if (this.#error !== undefined) throw this.#error;
    } finally {
      this.close();
    }
  }

  #do(act: (now: number) => void): void {
    act(performance.now());
    if (this.#pumping) return;
    this.#pumping = true;
    let output: FollowOutput | undefined;
    while ((output = this.#machine.poll()) !== undefined) this.#perform(output);
    this.#pumping = false;
    clearTimeout(this.#timer);
    if (this.#over) return;
    this.#machine.running(this.#turns.running);
    this.#machine.held(this.#queued > HELD_BYTES);
    const at = this.#machine.wakeAt();
    if (at === Infinity) return;
    // What came while this thread was busy is heard before a path is called stalled.
    this.#timer = setTimeout(() => setTimeout(() =>
      this.#do((now) => this.#machine.tick(now)), 0),
    Math.max(0, Math.min(Math.ceil(at - performance.now()), 2 ** 31 - 1)));
  }

  #perform(output: FollowOutput): void {
    if ("do" in output) {
      if (output.do === "open") this.#open(output.read, output.transport);
      else if (output.do === "probe") this.#reads.get(output.read)?.probe();
      else if (output.do === "refresh") void this.#refresh(output.token);
      else {
        this.#reads.get(output.read)?.close();
        this.#reads.delete(output.read);
      }
    } else if (output.tell === "state") {
      const { tell, ...event } = output;
      this.#push({ event: { type: tell, ...event }, bytes: 0 });
    } else if (output.tell === "failed") this.hub.failed(output.transport);
    else if (output.tell === "worked") this.hub.selector.worked(output.transport);
    else this.#end(output.error);
  }

  #open(id: number, name: TransportName): void {
    const { cursor } = this.#position;
    const { start } = this.options;
    const request: ReadRequest = { ...this.place };
    if (cursor !== undefined) request.after = cursor;
    else if (start !== undefined) request.start = start;
    const transport = this.hub.transport(name);
    // A transport may tell at once, before the read is known here.
    const later = (act: (now: number) => void) => this.#do(act);
    const sink: ReadSink = {
      opened: (from) => later((now) => {
        if (from !== undefined) this.#position.begin(from);
        this.#machine.opened(id, now);
      }),
      records: (records) => this.#records(id, records, transport.exact),
      gap: (gap) => this.#gap(id, gap),
      alive: (tail) => later((now) => {
        if (tail === 0) this.#position.begin(0);
        this.#machine.alive(id, now, tail, this.cursor);
      }),
      leaving: (afterMs) => later((now) => this.#machine.leaving(id, afterMs, now)),
      ended: (end) => later((now) => {
        this.#reads.delete(id);
        this.#machine.endedRead(id, end, now);
      }),
    };
    this.#reads.set(id, transport.read(request, sink));
  }

  #records(id: number, records: WireRecord[], exact: boolean): Promise<void> | undefined {
    const read = this.#reads.get(id);
    if (this.#over || read === undefined) return undefined;
    const fresh = this.#position.take(records, exact);
    const delivered = new Set<WireRecord>();
    for (const one of fresh) {
      if ("gap" in one) this.#push({ event: { type: "gap", ...one.gap }, bytes: 0 });
      else {
        delivered.add(one.record);
        this.#record(one.record, id);
      }
    }
    for (const record of records) {
      if (!delivered.has(record)) read.taken(record.seq_num, bytes(record));
    }
    const cursor = this.cursor;
    if (cursor !== undefined) this.#do((now) => this.#machine.progressed(id, cursor, now));
    if (this.#queued <= QUEUE_BYTES) return undefined;
    if (this.#room === undefined) {
      let resolve!: () => void;
      const promise = new Promise<void>((done) => (resolve = done));
      this.#room = { promise, resolve };
    }
    return this.#room.promise;
  }

  #record(record: WireRecord, read: number): void {
    const { event, token } = toEvent(record);
    if (token !== undefined) this.hub.tokens.offer(this.place.session, token);
    this.#push({ event, read, bytes: bytes(record) });
  }

  #gap(id: number, gap: Gap): void {
    if (!this.#reads.has(id)) return;
    const news = this.#position.skip(gap);
    if (news !== undefined) this.#push({ event: { type: "gap", ...news }, bytes: 0 });
    this.#do((now) => this.#machine.alive(id, now));
  }

  #push(item: Item): void {
    this.#turns.saw(item.event);
    this.#queue.push(item);
    this.#queued += item.bytes;
    this.#wake?.();
  }

  /** Acknowledged to the read that brought it: another one may never have sent it. */
  #took(item: Item): void {
    this.#queued -= item.bytes;
    if (item.read !== undefined && "seq" in item.event) {
      this.#reads.get(item.read)?.taken(item.event.seq, item.bytes);
    }
    if (this.#queued <= QUEUE_BYTES / 2 && this.#room !== undefined) {
      this.#room.resolve();
      this.#room = undefined;
    }
  }

  async #refresh(token: string | undefined): Promise<void> {
    let ok = false;
    let error: TidegateError | undefined;
    try {
      ok = await this.hub.tokens.refresh(this.place.session, token);
    } catch (cause) {
      error = cause instanceof TidegateError ? cause : new TidegateError("no_token", String(cause));
    }
    this.#do((now) => this.#machine.refreshed(ok, error, now));
  }

  #end(error: TidegateError | undefined): void {
    this.#over = true;
    this.#error = error;
    clearTimeout(this.#timer);
    this.options.signal?.removeEventListener("abort", this.close);
    this.#room?.resolve();
    this.hub.ended(this);
    this.#wake?.();
  }
}

/** The metered size (R-REC-7), near enough for windows. */
function bytes(record: WireRecord): number {
  return record.body.length + 32 * record.headers.length + 8;
}
