// One subscription over changing transports, as a pure state machine. It always knows one read that
// is `live` and, while it moves, a `next` one; what both bring is told apart by seq elsewhere.

import type { TidegateError } from "../errors.js";
import { isCredential, isFinalRead } from "../errors.js";
import type { ReadEnd } from "../transports/seam.js";
import type { TransportName } from "../wire.js";
import { Backoff } from "./backoff.js";
import type { Selector } from "./selector.js";
import { WATCHDOG, Watchdog } from "./watchdog.js";
import type { WatchdogLimits } from "./watchdog.js";

export type FollowOutput =
  | { do: "open"; read: number; transport: TransportName }
  | { do: "close"; read: number }
  | { do: "probe"; read: number }
  | { do: "refresh"; token: string | undefined }
  | { tell: "state"; state: "connecting" | "live"; transport: TransportName }
  | { tell: "state"; state: "waiting"; retryMs?: number; error?: TidegateError }
  | { tell: "failed"; transport: TransportName }
  | { tell: "worked"; transport: TransportName }
  | { tell: "ended"; error?: TidegateError };

export interface FollowOptions {
  random: () => number;
  /** Are probes of this transport requests of their own? */
  costly: (transport: TransportName) => boolean;
  watchdog?: WatchdogLimits;
  /** How long a transport may take to begin. */
  openMs?: number;
}

interface OneRead {
  id: number;
  transport: TransportName;
  startedAt: number;
  opened: boolean;
  watchdog: Watchdog;
}

const OPEN_MS = 10_000;
/** Somebody watches: a way that works again is not to stay unused for long. */
const RETRY = { firstMs: 250, maxMs: 5000 };
/** A read that lasted so long was a good one, records or not. */
const GOOD_MS = 5000;

export class FollowMachine {
  #live: OneRead | undefined;
  #next: OneRead | undefined;
  #retryAt: number | undefined;
  #moveAt: number | undefined;
  #refreshing = false;
  #refreshed = false;
  #refusal: TidegateError | undefined;
  #ended = false;
  #suspended = false;
  #running = false;
  #held = false;
  #pinned: TransportName | undefined;
  #ids = 0;
  readonly #outputs: FollowOutput[] = [];
  readonly #backoff: Backoff;

  constructor(private readonly selector: Selector, private readonly options: FollowOptions) {
    this.#backoff = new Backoff(options.random, RETRY);
  }

  poll(): FollowOutput | undefined {
    return this.#outputs.shift();
  }

  get transport(): TransportName | undefined {
    return this.#live?.opened === true ? this.#live.transport : undefined;
  }

  wakeAt(): number {
    if (this.#ended || this.#suspended) return Infinity;
    const times = [this.#retryAt ?? Infinity, this.#moveAt ?? Infinity];
    for (const read of [this.#live, this.#next]) {
      if (read === undefined) continue;
      times.push(read.opened
        ? read.watchdog.wakeAt(this.#running) : read.startedAt + this.#openMs());
    }
    return Math.min(...times);
  }

  start(now: number): void {
    this.#openLive(this.#choose(now), now);
  }

  /** Does a turn run? Then silence is looked into within a second. */
  running(running: boolean): void {
    this.#running = running;
  }

  opened(id: number, now: number): void {
    const read = this.#find(id);
    if (read === undefined || read.opened) return;
    read.opened = true;
    read.watchdog.heard(now);
    if (read === this.#next) {
      if (this.#live !== undefined) this.#outputs.push({ do: "close", read: this.#live.id });
      this.#live = read;
      this.#next = undefined;
    }
    this.#tellLive(read.transport);
  }

  progressed(id: number, cursor: number, now: number): void {
    const read = this.#find(id);
    if (read === undefined) return;
    read.watchdog.progressed(cursor, now);
    this.#good(read);
  }

  alive(id: number, now: number, tail?: number, cursor?: number): void {
    const watchdog = this.#find(id)?.watchdog;
    if (tail === undefined) watchdog?.heard(now);
    else watchdog?.tail(tail, cursor, now);
  }

  /** Is the application itself behind? Then what does not come is not held back by the path. */
  held(held: boolean): void {
    this.#held = held;
  }

  leaving(id: number, afterMs: number, now: number): void {
    if (this.#live?.id === id) this.#moveAt = now + afterMs;
  }

  endedRead(id: number, end: ReadEnd, now: number): void {
    const read = this.#find(id);
    if (read === undefined) return;
    if (read === this.#next) {
      this.#next = undefined;
      if (end.why === "cut" || !isCredential(end.error)) this.#failed(read, now);
      return;
    }
    this.#live = undefined;
    this.#moveAt = undefined;
    if (this.#next !== undefined) {
      this.#live = this.#next;
      this.#next = undefined;
    } else if (end.why === "refused") this.#refused(end.error, end.token, now);
    else this.#cut(read, end, now);
  }

  refreshed(ok: boolean, error: TidegateError | undefined, now: number): void {
    if (!this.#refreshing || this.#ended) return;
    this.#refreshing = false;
    if (ok) return this.#openLive(this.#choose(now), now);
    if (error?.retry === true) return this.#wait(this.#backoff.next(), now, error);
    this.#end(error ?? this.#refusal);
  }

  tick(now: number): void {
    if (this.#ended || this.#suspended) return;
    if (this.#retryAt !== undefined && now >= this.#retryAt) {
      this.#openLive(this.#choose(now), now);
    }
    if (this.#moveAt !== undefined && now >= this.#moveAt && this.#live !== undefined) {
      this.#moveAt = undefined;
      this.#openNext(this.#live.transport, now);
    }
    for (const read of [this.#live, this.#next]) {
      if (read !== undefined) this.#look(read, now);
    }
  }

  /** Something changed for the better: do not wait any longer. */
  wake(now: number): void {
    this.#backoff.reset();
    if (this.#retryAt !== undefined) this.#openLive(this.#choose(now), now);
    else if (this.#live?.opened === true) {
      this.#live.watchdog.suspect(now);
      this.#outputs.push({ do: "probe", read: this.#live.id });
    }
  }

  /** Closes what is open; `resume` goes on from there. */
  suspend(): void {
    if (this.#ended || this.#suspended) return;
    this.#suspended = true;
    this.#closeAll();
    this.#outputs.push({ tell: "state", state: "waiting" });
  }

  resume(now: number): void {
    if (!this.#suspended) return;
    this.#suspended = false;
    this.#backoff.reset();
    if (!this.#ended && !this.#refreshing) this.#openLive(this.#choose(now), now);
  }

  /** Hand over to this transport, whatever the selector thinks. */
  moveTo(transport: TransportName, now: number): void {
    this.#pinned = transport;
    this.preferences(now);
  }

  /** The selector may think otherwise now. */
  preferences(now: number): void {
    if (this.#ended || this.#suspended || this.#live === undefined) return;
    const best = this.#choose(now);
    if (this.#next !== undefined && this.#next.transport !== best) {
      this.#outputs.push({ do: "close", read: this.#next.id });
      this.#next = undefined;
    }
    if (this.#next === undefined && this.#live.transport !== best) this.#openNext(best, now);
  }

  end(error?: TidegateError): void {
    if (!this.#ended) this.#end(error);
  }

  #openMs(): number {
    return this.options.openMs ?? OPEN_MS;
  }

  #choose(now: number): TransportName {
    return this.#pinned ?? this.selector.best(now);
  }

  #find(id: number): OneRead | undefined {
    return [this.#live, this.#next].find((read) => read?.id === id);
  }

  #open(transport: TransportName, now: number): OneRead {
    const id = ++this.#ids;
    this.#outputs.push({ do: "open", read: id, transport });
    const watchdog = new Watchdog(now, this.options.watchdog ?? WATCHDOG);
    return { id, transport, startedAt: now, opened: false, watchdog };
  }

  #openLive(transport: TransportName, now: number): void {
    this.#retryAt = undefined;
    if (this.#ended || this.#suspended) return;
    this.#outputs.push({ tell: "state", state: "connecting", transport });
    this.#live = this.#open(transport, now);
  }

  #openNext(transport: TransportName, now: number): void {
    if (this.#next === undefined) this.#next = this.#open(transport, now);
  }

  #look(read: OneRead, now: number): void {
    const { id, transport } = read;
    if (!read.opened) {
      if (now < read.startedAt + this.#openMs()) return;
      this.#outputs.push({ do: "close", read: id });
      return this.endedRead(id, { why: "cut" }, now);
    }
    if (this.#held && now >= read.watchdog.wakeAt(this.#running)) return read.watchdog.excuse(now);
    const verdict = read.watchdog.tick(now, this.#running, this.options.costly(transport));
    if (verdict === "probe") this.#outputs.push({ do: "probe", read: id });
    if (verdict === "stalled") this.#stalled(read, now);
  }

  /** The old one is kept until the next one is there: it may yet bring something. */
  #stalled(read: OneRead, now: number): void {
    this.#failed(read, now);
    if (this.#pinned === read.transport) this.#pinned = undefined;
    read.watchdog.excuse(now);
    if (this.#next !== undefined) return;
    this.#openNext(this.selector.best(now, read.transport), now);
  }

  #good(read: OneRead): void {
    this.#backoff.reset();
    this.#refreshed = false;
    this.#outputs.push({ tell: "worked", transport: read.transport });
  }

  #failed(read: OneRead, now: number): void {
    this.selector.failed(read.transport, now);
    this.#outputs.push({ tell: "failed", transport: read.transport });
    if (this.#pinned === read.transport) this.#pinned = undefined;
  }

  /** One that was open is simply cut: the transport is as good as before. */
  #cut(read: OneRead, end: { retryMs?: number; error?: TidegateError }, now: number): void {
    if (!read.opened) this.#failed(read, now);
    else if (now - read.startedAt >= GOOD_MS) this.#good(read);
    this.#wait(end.retryMs ?? this.#backoff.next(), now, end.error);
  }

  #refused(error: TidegateError, token: string | undefined, now: number): void {
    if (isCredential(error) && !this.#refreshed) {
      this.#refreshed = true;
      this.#refreshing = true;
      this.#refusal = error;
      this.#outputs.push({ do: "refresh", token });
    } else if (isFinalRead(error)) this.#end(error);
    else this.#wait(this.#backoff.next(), now, error);
  }

  #wait(retryMs: number, now: number, error?: TidegateError): void {
    this.#retryAt = now + retryMs;
    this.#outputs.push({ tell: "state", state: "waiting", retryMs,
      ...(error === undefined ? {} : { error }) });
  }

  #tellLive(transport: TransportName): void {
    this.#outputs.push({ tell: "state", state: "live", transport });
  }

  #closeAll(): void {
    for (const read of [this.#live, this.#next]) {
      if (read !== undefined) this.#outputs.push({ do: "close", read: read.id });
    }
    this.#live = this.#next = this.#retryAt = this.#moveAt = undefined;
  }

  #end(error?: TidegateError): void {
    this.#ended = true;
    this.#closeAll();
    this.#outputs.push(error === undefined ? { tell: "ended" } : { tell: "ended", error });
  }
}
