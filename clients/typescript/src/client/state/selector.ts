// Which transport to use: the best that is known to work. Pure.

import type { TransportName } from "../wire.js";

const FIRST_PENALTY_MS = 10_000;
const MAX_PENALTY_MS = 600_000;

interface Standing {
  proven: boolean;
  failures: number;
  badUntil: number;
}

export class Selector {
  readonly #standings = new Map<TransportName, Standing>();

  /** `order`: best first. SSE needs no proof: it is plain HTTP. */
  constructor(private readonly order: readonly TransportName[]) {
    for (const name of order) {
      const proven = name === "sse" || order.length === 1;
      this.#standings.set(name, { proven, failures: 0, badUntil: -Infinity });
    }
  }

  /** What a read should run over now. `not`: it has just failed there. */
  best(now: number, not?: TransportName): TransportName {
    const names = this.order.filter((name) => name !== not || this.order.length === 1);
    const usable = names.filter((name) => this.#standing(name).badUntil <= now);
    return usable.find((name) => this.#standing(name).proven)
      ?? usable.at(-1) ?? this.#leastBad(names);
  }

  /** The next one worth proving: better than what is used, and not known to be bad. */
  candidate(now: number): TransportName | undefined {
    const used = this.order.indexOf(this.best(now));
    return this.order.slice(0, used).find((name) => {
      const { proven, badUntil } = this.#standing(name);
      return !proven && badUntil <= now;
    });
  }

  /** When a candidate may come up again, if one is waiting for that. */
  retryAt(now: number): number | undefined {
    const times = this.order.map((name) => this.#standing(name).badUntil)
      .filter((at) => at > now);
    return times.length === 0 ? undefined : Math.min(...times);
  }

  proven(name: TransportName): void {
    const standing = this.#standing(name);
    standing.proven = true;
    standing.badUntil = -Infinity;
  }

  /** It brought what it should for a while: the next failure is a first one again. */
  worked(name: TransportName): void {
    this.#standing(name).failures = 0;
  }

  failed(name: TransportName, now: number): void {
    const standing = this.#standing(name);
    const penalty = Math.min(MAX_PENALTY_MS, FIRST_PENALTY_MS * 2 ** standing.failures);
    standing.failures = Math.min(standing.failures + 1, 16);
    standing.badUntil = now + penalty;
    if (name !== "sse") standing.proven = this.order.length === 1;
  }

  /** Another network: what was blocked there may work here. */
  forgive(): void {
    for (const standing of this.#standings.values()) {
      standing.failures = 0;
      standing.badUntil = -Infinity;
    }
  }

  #standing(name: TransportName): Standing {
    const standing = this.#standings.get(name);
    if (standing === undefined) throw new RangeError(`no transport ${name}`);
    return standing;
  }

  #leastBad(names: readonly TransportName[]): TransportName {
    return names.reduce((one, other) =>
      this.#standing(other).badUntil < this.#standing(one).badUntil ? other : one);
  }
}
