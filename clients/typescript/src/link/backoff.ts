// How long to wait before the next attempt to connect.

const FIRST_MS = 100;
const MAX_MS = 5000;

/** The first retry is at once, so that a cut is resumed within `resume_ms`; then up to 5 s. */
export class Backoff {
  #failures = 0;

  constructor(private readonly random: () => number) {}

  next(): number {
    const failures = this.#failures++;
    if (failures === 0) return 0;
    const ceiling = Math.min(MAX_MS, FIRST_MS * 2 ** Math.min(failures - 1, 16));
    return Math.round(ceiling * (0.5 + this.random() / 2));
  }

  reset(): void {
    this.#failures = 0;
  }
}
