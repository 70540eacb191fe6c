// Waits of a run on its session's `.in`. There is no engine that holds the run: it stays in memory
// and follows `.in` itself, and the host knows that it is parked and may end the wait.

import { ApiClient } from "@trigger.dev/core/v3";
import type { FromIsolate } from "./messages.js";

interface Wanted {
  session: string;
  io: "in" | "out";
  timeout?: string | undefined;
  lastSeqNum?: number | undefined;
}

export interface Result {
  ok: boolean;
  output?: string;
  outputType?: string;
}

const TAIL_SECONDS = 600;
const RETRY_MS = 1000;
const UNITS: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

export class Parking {
  readonly #wanted = new Map<string, Wanted>();
  #count = 0;
  #client: ApiClient | undefined;
  #evict: (() => void) | undefined;

  constructor(private readonly say: (message: FromIsolate) => void) {}

  /** From now on the SDK's waits on session streams come here. */
  install(client: ApiClient): void {
    this.#client = client;
    const create = async (_run: string, wanted: Wanted) => this.#register(wanted);
    Object.assign(ApiClient.prototype, {
      createSessionStreamWaitpoint: create,
      waitForWaitpointToken: async () => ({ success: true }),
    });
  }

  knows(waitpoint: string): boolean {
    return this.#wanted.has(waitpoint);
  }

  /** The run manager's half: blocks until a record is there, the time is over, or an eviction. */
  async wait(waitpoint: string): Promise<Result> {
    const wanted = this.#wanted.get(waitpoint);
    if (wanted === undefined) throw new Error(`no wait is called ${waitpoint}`);
    this.#wanted.delete(waitpoint);
    const ended = new AbortController();
    const seen = wanted.lastSeqNum ?? -1;
    this.say({ t: "parked", seen: seen < 0 ? null : seen });
    try {
      const woken = await Promise.race([
        this.#record(wanted, ended.signal),
        this.#timeout(wanted.timeout, ended.signal),
        new Promise<false>((over) => (this.#evict = () => over(false))),
      ]);
      return woken ? { ok: true } : timedOut();
    } finally {
      this.#evict = undefined;
      ended.abort();
      this.say({ t: "unparked" });
    }
  }

  /** Ends the wait as if its time were over, so that the run exits cleanly. */
  evict(): void {
    this.#evict?.();
  }

  #register(wanted: Wanted): { waitpointId: string; isCached: boolean } {
    this.#count += 1;
    const waitpointId = `waitpoint_tidegate_${this.#count}`;
    this.#wanted.set(waitpointId, wanted);
    return { waitpointId, isCached: false };
  }

  /** Resolves when a record behind `lastSeqNum` is there. Cuts are no reason to give up. */
  async #record(wanted: Wanted, signal: AbortSignal): Promise<true> {
    for (;;) {
      if (await this.#tail(wanted, signal).catch(() => false)) return true;
      if (signal.aborted) return await new Promise<never>(() => undefined);
      await delay(RETRY_MS, signal);
    }
  }

  async #tail(wanted: Wanted, signal: AbortSignal): Promise<boolean> {
    const client = this.#client;
    if (client === undefined) throw new Error("the parking has no client");
    const { session, io, lastSeqNum = -1 } = wanted;
    const stream = await client.subscribeToSessionStream(session, io, {
      signal,
      timeoutInSeconds: TAIL_SECONDS,
      ...(lastSeqNum < 0 ? {} : { lastEventId: String(lastSeqNum) }),
    });
    const reader = stream.getReader();
    try {
      return !(await reader.read()).done;
    } finally {
      await reader.cancel().catch(() => undefined);
    }
  }

  #timeout(text: string | undefined, signal: AbortSignal): Promise<false> {
    const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(text?.trim() ?? "");
    if (match === null) return new Promise(() => undefined);
    return delay(Number(match[1]) * (UNITS[match[2]!] ?? 1), signal).then(() => false);
  }
}

function timedOut(): Result {
  const output = JSON.stringify({ message: "Timed out" });
  return { ok: false, output, outputType: "application/json" };
}

/** Never resolves after an abort: whoever waits has gone. */
function delay(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((done) => {
    // A longer timer would fire at once.
    const timer = setTimeout(done, Math.min(ms, 2 ** 31 - 1));
    signal.addEventListener("abort", () => clearTimeout(timer), { once: true });
  });
}
