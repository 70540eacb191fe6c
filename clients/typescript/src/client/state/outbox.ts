// Appends that are on their way, as a pure state machine: in order for each session, one at a time,
// again with the same part id until there is an answer. Times are Unix milliseconds: entries may be
// older than the page.

import { OutboxFullError, TidegateError } from "../errors.js";
import type { Appended, Place } from "../wire.js";
import { Backoff } from "./backoff.js";

export interface OutboxEntry extends Place {
  partId: string;
  body: string;
  /** When it may first have reached the gateway. */
  sentAt?: number;
}

export interface OutboxLimits {
  entries: number;
  /** Bytes of UTF-8 of all bodies. */
  bytes: number;
}

export const OUTBOX_LIMITS: OutboxLimits = { entries: 200, bytes: 8 << 20 };

export type OutboxOutput =
  | { do: "append"; entry: OutboxEntry }
  | { do: "save"; entries: OutboxEntry[] }
  | { tell: "appended"; entry: OutboxEntry; answer: Appended }
  | { tell: "failed"; entry: OutboxEntry; error: TidegateError };

/** Before the gateway forgets part ids (`FRAME_KEY_TTL_MS`), with room for clocks. */
const REMEMBERED_MS = 540_000;
/** Longest wait for the end of a rate limit: clocks differ. */
const RESET_MAX_MS = 30_000;

interface Lane {
  entries: OutboxEntry[];
  busy: boolean;
  /** Was the entry under way never sent before? */
  first: boolean;
  retryAt: number;
  backoff: Backoff;
}

export class OutboxMachine {
  readonly #lanes = new Map<string, Lane>();
  readonly #outputs: OutboxOutput[] = [];
  #entries = 0;
  #bytes = 0;
  #online = true;

  constructor(private readonly random: () => number,
    private readonly limits: OutboxLimits = OUTBOX_LIMITS) {}

  poll(): OutboxOutput | undefined {
    return this.#outputs.shift();
  }

  /** Everything that has no answer yet, in order. */
  get pending(): OutboxEntry[] {
    return [...this.#lanes.values()].flatMap((lane) => lane.entries);
  }

  wakeAt(): number {
    if (!this.#online) return Infinity;
    const times = [...this.#lanes.values()]
      .filter((lane) => !lane.busy && lane.entries.length > 0).map((lane) => lane.retryAt);
    return Math.min(Infinity, ...times);
  }

  /** Throws OutboxFullError, and keeps nothing then. */
  add(entry: OutboxEntry, now: number): void {
    const bytes = size(entry);
    if (this.#entries + 1 > this.limits.entries || this.#bytes + bytes > this.limits.bytes) {
      throw new OutboxFullError(this.#entries, this.#bytes);
    }
    this.#entries += 1;
    this.#bytes += bytes;
    this.#lane(entry.session).entries.push(entry);
    this.#save();
    this.tick(now);
  }

  appended(entry: OutboxEntry, answer: Appended, now: number): void {
    this.#leave(entry);
    this.#lane(entry.session).backoff.reset();
    this.#outputs.push({ tell: "appended", entry, answer });
    this.#save();
    this.tick(now);
  }

  /** `sent`: it may have reached the gateway, so it may be committed. */
  failed(entry: OutboxEntry, error: TidegateError, sent: boolean, now: number): void {
    const lane = this.#lane(entry.session);
    lane.busy = false;
    if (!sent && lane.first) delete entry.sentAt;
    if (!error.retry) return this.#giveUp(entry, error, now);
    const reset = Math.min(error.resetAt ?? now, now + RESET_MAX_MS);
    lane.retryAt = Math.max(now, reset) + lane.backoff.next();
    this.#save();
  }

  /** The page is online, or the way is open again: try at once. */
  wake(now: number): void {
    for (const lane of this.#lanes.values()) {
      lane.backoff.reset();
      lane.retryAt = now;
    }
    this.tick(now);
  }

  online(online: boolean, now: number): void {
    this.#online = online;
    if (online) this.wake(now);
  }

  tick(now: number): void {
    if (!this.#online) return;
    for (const lane of this.#lanes.values()) {
      if (lane.busy || now < lane.retryAt) continue;
      const entry = lane.entries[0];
      if (entry === undefined) continue;
      if (entry.sentAt !== undefined && now - entry.sentAt > REMEMBERED_MS) {
        this.#giveUp(entry, new TidegateError("outcome_unknown",
          "the append may have been committed long ago; sent again it could be there twice"), now);
        continue;
      }
      lane.busy = true;
      lane.first = entry.sentAt === undefined;
      entry.sentAt ??= now;
      this.#outputs.push({ do: "append", entry });
    }
  }

  /** What a former page left behind; part ids that are there already are ignored. */
  restore(entries: readonly OutboxEntry[], now: number): void {
    const known = new Set(this.pending.map((entry) => entry.partId));
    for (const entry of entries) {
      if (known.has(entry.partId)) continue;
      this.#entries += 1;
      this.#bytes += size(entry);
      this.#lane(entry.session).entries.push(entry);
    }
    this.tick(now);
  }

  #lane(session: string): Lane {
    let lane = this.#lanes.get(session);
    if (lane === undefined) {
      const backoff = new Backoff(this.random);
      lane = { entries: [], busy: false, first: true, retryAt: 0, backoff };
      this.#lanes.set(session, lane);
    }
    return lane;
  }

  #giveUp(entry: OutboxEntry, error: TidegateError, now: number): void {
    this.#leave(entry);
    this.#outputs.push({ tell: "failed", entry, error });
    this.#save();
    this.tick(now);
  }

  #leave(entry: OutboxEntry): void {
    const lane = this.#lane(entry.session);
    lane.busy = false;
    lane.entries.splice(lane.entries.indexOf(entry), 1);
    this.#entries -= 1;
    this.#bytes -= size(entry);
  }

  #save(): void {
    this.#outputs.push({ do: "save", entries: this.pending });
  }
}

function size(entry: OutboxEntry): number {
  return new TextEncoder().encode(entry.body).length;
}
