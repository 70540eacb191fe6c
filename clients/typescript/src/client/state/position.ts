// Where a reader is in a stream: nothing is delivered twice, nothing is missing unseen, whichever
// transports bring the records.

import type { Gap, WireRecord } from "../wire.js";

export type Delivered = { record: WireRecord } | { gap: Gap };

/** Epochs begin 2^32 apart (`EPOCH_SEQ_STRIDE`); no retention skips nearly as much. */
const EPOCH_JUMP = 2 ** 31;
/** Commands behind a boundary: they take a seq and are never shown (R-REC-4). */
const COMMANDS_MAX = 2;

export class Position {
  #cursor: number | undefined;
  #afterBoundary = false;

  constructor(after: number | undefined) {
    this.#cursor = after;
  }

  /** The seq of the last record that was delivered or is known to be lost; -1 before the first. */
  get cursor(): number | undefined {
    return this.#cursor;
  }

  /** The read begins at `from`: what is written after now is not to be missed, read or not. */
  begin(from: number): void {
    this.#cursor ??= from - 1;
  }

  /**
   * What of `records` is new. `exact`: the transport says where records are missing, so a jump is
   * a command record, but for an epoch. Over SSE nothing says so: a jump is a gap, but for the one
   * or two seqs that commands take behind a boundary.
   */
  take(records: readonly WireRecord[], exact: boolean): Delivered[] {
    const delivered: Delivered[] = [];
    for (const record of records) {
      const seq = record.seq_num;
      if (this.#cursor !== undefined) {
        if (seq <= this.#cursor) continue;
        const missing = seq - this.#cursor - 1;
        // A read that began without a cursor is not told of a gap before its first record.
        const told = exact && this.#cursor >= 0 && missing < EPOCH_JUMP;
        if (missing > 0 && !told) this.#jump(missing, seq, delivered);
      }
      this.#cursor = seq;
      this.#afterBoundary = record.headers.some(([name]) => name === "trigger-control");
      if (record.headers[0]?.[0] !== "") delivered.push({ record });
    }
    return delivered;
  }

  /** A gap that the gateway names, as far as it is news. */
  skip(gap: Gap): Gap | undefined {
    const from = this.#cursor === undefined ? gap.from : Math.max(gap.from, this.#cursor + 1);
    if (from >= gap.to) return undefined;
    this.#cursor = gap.to - 1;
    return { ...gap, from };
  }

  #jump(missing: number, seq: number, delivered: Delivered[]): void {
    if (this.#afterBoundary && missing <= COMMANDS_MAX) return;
    const reason = missing >= EPOCH_JUMP ? "epoch" : "retention";
    delivered.push({ gap: { from: seq - missing, to: seq, reason } });
  }
}
