// The driver of one duplex connection: a socket, a timer, and who waits for what.

import { TidegateError } from "../errors.js";
import type { Appended } from "../wire.js";
import { DuplexMachine } from "./duplex-machine.js";
import type { DuplexClose, DuplexOutput } from "./duplex-machine.js";
import type { AppendRequest, ReadRequest, ReadSink } from "./seam.js";

/** What carries frames: a WebSocket, or a WebTransport session. */
export interface Socket {
  send(text: string): void;
  close(code: number): void;
}

export interface SocketEvents {
  opened(): void;
  received(text: string): void;
  closed(why: DuplexClose): void;
}

export type Dial = (events: SocketEvents) => Socket;

export interface ConnectionHooks {
  down(): void;
  goaway(): void;
  expiring(session: string): void;
}

type OfRead = Extract<DuplexOutput, { tell: "opened" | "records" | "gap" | "alive" | "ended" }>;

interface Waiting<T> {
  resolve(value: T): void;
  reject(error: Error): void;
}

export class Connection {
  readonly #machine: DuplexMachine;
  readonly #sinks = new Map<number, ReadSink>();
  readonly #appends = new Map<number, Waiting<Appended>>();
  readonly #socket: Socket;
  readonly #up: Promise<void>;
  #settleUp!: Waiting<void>;
  #pongs: (() => void)[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;
  #leaving = false;

  constructor(dial: Dial, token: string | undefined, private readonly hooks: ConnectionHooks) {
    this.#machine = new DuplexMachine(performance.now(), token);
    this.#up = new Promise((resolve, reject) => (this.#settleUp = { resolve, reject }));
    this.#up.catch(() => undefined);
    this.#socket = dial({
      opened: () => this.#do(() => this.#machine.opened(performance.now())),
      received: (text) =>
        this.#do(() => this.#machine.received(text, performance.now(), Date.now())),
      closed: (why) => this.#do(() => this.#machine.closed(why)),
    });
    this.#do(() => undefined);
  }

  /** Resolves once the gateway welcomed us; rejects with TidegateError if it never will. */
  get ready(): Promise<void> {
    return this.#up;
  }

  get up(): boolean {
    return this.#machine.up && !this.#leaving;
  }

  /** The key of the read; only when `ready`. */
  read(request: ReadRequest, token: string, sink: ReadSink): number {
    let key = 0;
    this.#do(() => {
      key = this.#machine.read(request, token);
      this.#sinks.set(key, sink);
    });
    return key;
  }

  taken(key: number, seq: number): void {
    this.#do(() => this.#machine.taken(key, seq));
  }

  leave(key: number): void {
    this.#sinks.delete(key);
    this.#do(() => this.#machine.leave(key));
    this.#closeIfLeft();
  }

  append(request: AppendRequest, token: string): Promise<Appended> {
    return new Promise((resolve, reject) => this.#do(() => {
      const key = this.#machine.append(request, token, performance.now());
      this.#appends.set(key, { resolve, reject });
    }));
  }

  renew(session: string, token: string): void {
    this.#do(() => this.#machine.renew(session, token));
  }

  ping(): void {
    this.#do(() => this.#machine.ping(performance.now()));
  }

  /** Resolves with the next pong. */
  pong(): Promise<void> {
    return new Promise((resolve) => {
      this.#pongs.push(resolve);
      this.ping();
    });
  }

  close(): void {
    this.#do(() => this.#machine.close());
  }

  /** Decides nothing itself: what the machine wants is performed, in order. */
  #do(act: () => void): void {
    act();
    let output: DuplexOutput | undefined;
    while ((output = this.#machine.poll()) !== undefined) this.#perform(output);
    clearTimeout(this.#timer);
    const at = this.#machine.wakeAt();
    if (at === Infinity) return;
    const wait = Math.max(0, Math.min(at - performance.now(), 2 ** 31 - 1));
    // What came while this thread was busy is heard before anybody is called silent.
    this.#timer = setTimeout(() => setTimeout(() =>
      this.#do(() => this.#machine.tick(performance.now())), 0), Math.ceil(wait));
  }

  #perform(output: DuplexOutput): void {
    if ("do" in output) {
      if (output.do === "send") this.#socket.send(JSON.stringify(output.frame));
      else this.#socket.close(output.code);
      return;
    }
    switch (output.tell) {
      case "up": return this.#settleUp.resolve();
      case "down": return this.#down(output.error);
      case "goaway": return this.#goaway(output.afterMs);
      case "expiring": return this.hooks.expiring(output.session);
      case "pong": {
        const waiting = this.#pongs;
        this.#pongs = [];
        return waiting.forEach((resolve) => resolve());
      }
      case "appended":
      case "failed": return this.#answered(output);
      default: return this.#ofRead(output);
    }
  }

  #ofRead(output: OfRead): void {
    const sink = this.#sinks.get(output.key);
    if (sink === undefined) return;
    if (output.tell === "opened") sink.opened(output.from);
    else if (output.tell === "records") void sink.records(output.records);
    else if (output.tell === "gap") sink.gap(output.gap);
    else if (output.tell === "alive") sink.alive(output.tail);
    else {
      this.#sinks.delete(output.key);
      sink.ended(output.end);
      this.#closeIfLeft();
    }
  }

  #answered(output: Extract<DuplexOutput, { tell: "appended" | "failed" }>): void {
    const waiting = this.#appends.get(output.key);
    this.#appends.delete(output.key);
    if (output.tell === "appended") waiting?.resolve(output.answer);
    else waiting?.reject(Object.assign(output.error, { token: output.token }));
    this.#closeIfLeft();
  }

  #goaway(afterMs: number): void {
    this.#leaving = true;
    this.hooks.goaway();
    for (const sink of [...this.#sinks.values()]) sink.leaving(afterMs);
    this.#closeIfLeft();
  }

  /** A connection that the gateway wants to be rid of ends with its last read. */
  #closeIfLeft(): void {
    if (this.#leaving && !this.#machine.busy) queueMicrotask(() => this.close());
  }

  #down(error: TidegateError | undefined): void {
    this.#settleUp.reject(error
      ?? new TidegateError("unreachable", "the connection can't be made",
        { retry: true, unsent: true }));
    this.#pongs = [];
    this.hooks.down();
  }
}
