// The driver of the outbox: promises, a timer, and storage.

import { TidegateError } from "./errors.js";
import { OUTBOX_LIMITS, OutboxMachine } from "./state/outbox.js";
import type { OutboxEntry, OutboxLimits, OutboxOutput } from "./state/outbox.js";
import type { Appended } from "./wire.js";

/** Where appends wait across reloads. It may fail: then they live as long as the page. */
export interface OutboxStorage {
  load(): Promise<OutboxEntry[]> | OutboxEntry[];
  save(entries: OutboxEntry[]): Promise<void> | void;
}

/**
 * In `sessionStorage`, under one key. With `localStorage`, each tab needs a key of its own: what
 * one saves would replace what the other did.
 */
export function webStorage(storage: Pick<Storage, "getItem" | "setItem" | "removeItem">,
  key = "tidegate-outbox"): OutboxStorage {
  return {
    load: () => JSON.parse(storage.getItem(key) ?? "[]") as OutboxEntry[],
    save: (entries) => {
      if (entries.length === 0) storage.removeItem(key);
      else storage.setItem(key, JSON.stringify(entries));
    },
  };
}

/** An append: its part id at once, its place when it is committed. Rejects with TidegateError. */
export type PendingAppend = Promise<Appended> & { readonly partId: string };

export interface OutboxOptions {
  random: () => number;
  limits?: OutboxLimits;
  storage?: OutboxStorage;
  append: (entry: OutboxEntry) => Promise<Appended>;
  /** An append of a former page has its answer. */
  restored: (entry: OutboxEntry, outcome: Appended | TidegateError) => void;
}

interface Waiting {
  resolve(answer: Appended): void;
  reject(error: TidegateError): void;
}

export class Outbox {
  readonly #machine: OutboxMachine;
  readonly #waiting = new Map<OutboxEntry, Waiting>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #closed = false;

  constructor(private readonly options: OutboxOptions) {
    this.#machine = new OutboxMachine(options.random, options.limits ?? OUTBOX_LIMITS);
    if (options.storage !== undefined) void this.#restore(options.storage);
  }

  get pending(): OutboxEntry[] {
    return this.#machine.pending;
  }

  add(entry: OutboxEntry): PendingAppend {
    const promise = new Promise<Appended>((resolve, reject) => {
      if (this.#closed) return reject(new TidegateError("client_closed", "the client is closed"));
      try {
        this.#machine.add(entry, Date.now());
        this.#waiting.set(entry, { resolve, reject });
      } catch (error) {
        reject(error as TidegateError);
      }
    });
    this.#pump();
    return Object.assign(promise, { partId: entry.partId });
  }

  wake(): void {
    this.#machine.wake(Date.now());
    this.#pump();
  }

  online(online: boolean): void {
    this.#machine.online(online, Date.now());
    this.#pump();
  }

  /** What has no answer stays in the storage, and is rejected here. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    const error = new TidegateError("client_closed", "the client is closed");
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }

  async #restore(storage: OutboxStorage): Promise<void> {
    try {
      this.#machine.restore(await storage.load(), Date.now());
    } catch {
      return;
    }
    this.#pump();
  }

  #pump(): void {
    if (this.#closed) return;
    let output: OutboxOutput | undefined;
    while ((output = this.#machine.poll()) !== undefined) this.#perform(output);
    clearTimeout(this.#timer);
    const at = this.#machine.wakeAt();
    if (at === Infinity) return;
    this.#timer = setTimeout(() => {
      this.#machine.tick(Date.now());
      this.#pump();
    }, Math.max(0, at - Date.now()));
  }

  #perform(output: OutboxOutput): void {
    if ("do" in output) {
      if (output.do === "append") void this.#append(output.entry);
      else this.#save(output.entries);
      return;
    }
    const { entry } = output;
    const waiting = this.#waiting.get(entry);
    this.#waiting.delete(entry);
    const outcome = output.tell === "appended" ? output.answer : output.error;
    if (waiting === undefined) this.options.restored(entry, outcome);
    else if (output.tell === "appended") waiting.resolve(output.answer);
    else waiting.reject(output.error);
  }

  async #append(entry: OutboxEntry): Promise<void> {
    try {
      const answer = await this.options.append(entry);
      this.#machine.appended(entry, answer, Date.now());
    } catch (error) {
      const typed = error instanceof TidegateError ? error
        : new TidegateError("unreachable", String(error), { retry: true, cause: error });
      this.#machine.failed(entry, typed, !typed.unsent, Date.now());
    }
    this.#pump();
  }

  #save(entries: OutboxEntry[]): void {
    try {
      void Promise.resolve(this.options.storage?.save(entries)).catch(() => undefined);
    } catch {
      // A full or forbidden storage: the entries are still in memory.
    }
  }
}
