// How long to wait before the next try: full jitter, so that clients do not come back together.

export interface BackoffLimits {
  /** The first wait is below this. */
  firstMs: number;
  /** No wait is above this. */
  maxMs: number;
}

export class Backoff {
  #failures = 0;

  constructor(
    private readonly random: () => number,
    private readonly limits: BackoffLimits = { firstMs: 250, maxMs: 15_000 },
  ) {}

  next(): number {
    const { firstMs, maxMs } = this.limits;
    const ceiling = Math.min(maxMs, firstMs * 2 ** Math.min(this.#failures, 30));
    this.#failures += 1;
    return Math.round(ceiling * this.random());
  }

  /** Something came through. */
  reset(): void {
    this.#failures = 0;
  }
}
