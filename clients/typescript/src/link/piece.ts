// What the link knows of one piece of work. Pure.

import { LAST_FRAMES, highestSeq } from "./frames.js";
import type { Frame, HeldWork } from "./frames.js";

interface Sent {
  seq: number;
  text: string;
  bytes: number;
  refused: boolean;
}

export class Piece {
  /** The number of the last frame that we made. */
  #seq = 0;
  #unacked: Sent[] = [];
  #bytes = 0;
  acked = 0;
  /** The highest `.in` seq that we were sent, or said to have seen. */
  seen: number | undefined;
  ready = false;
  parked: boolean | undefined;
  /** We sent the last frame of it, and keep it only until that is acknowledged. */
  finished = false;

  constructor(readonly first: Frame & { id: string }) {}

  get id(): string {
    return this.first.id;
  }

  get isRun(): boolean {
    return this.first.t === "boot";
  }

  get settled(): boolean {
    return this.#unacked.length === 0;
  }

  /** One frame may always be on its way, however large it is. */
  hasRoom(bytes: number, window: number): boolean {
    return this.#unacked.length === 0 || this.#bytes + bytes <= window;
  }

  /** Numbers the frame and keeps it until it is acknowledged. */
  number(frame: Frame): Sent {
    const seq = this.#seq + 1;
    const text = JSON.stringify({ ...frame, id: this.id, seq });
    return { seq, text, bytes: Buffer.byteLength(text), refused: false };
  }

  keep(sent: Sent, frame: Frame): void {
    this.#seq = sent.seq;
    this.#unacked.push(sent);
    this.#bytes += sent.bytes;
    if (LAST_FRAMES.has(frame.t)) this.finished = true;
  }

  ack(seq: number): void {
    this.acked = Math.max(this.acked, Math.min(seq, this.#seq));
    let head = this.#unacked[0];
    while (head !== undefined && (head.seq <= this.acked || head.refused)) {
      this.acked = Math.max(this.acked, head.seq);
      this.#bytes -= head.bytes;
      this.#unacked.shift();
      head = this.#unacked[0];
    }
  }

  /** Counts as acknowledged, but is kept behind older ones: a resend must have no gap. */
  refuse(seq: number): boolean {
    const sent = this.#unacked.find((one) => one.seq === seq);
    if (sent === undefined || sent.refused) return false;
    sent.refused = true;
    this.ack(this.acked);
    return true;
  }

  /** What an `in` frame brings that we have not had; undefined when that is nothing. */
  fresh(frame: Frame): Frame | undefined {
    const highest = highestSeq(frame);
    if (highest === undefined) return frame;
    const before = this.seen;
    this.seen = Math.max(highest, before ?? highest);
    if (before === undefined) return frame;
    const records = (frame["records"] as { seq_num: number }[]).filter((r) => r.seq_num > before);
    return records.length === 0 ? undefined : { ...frame, records };
  }

  held(): HeldWork {
    const held: HeldWork = { id: this.id, acked: this.acked };
    if (this.seen !== undefined) held.seen = this.seen;
    if (!this.isRun) return held;
    held.run = String(this.first["run"]);
    held.fence = Number(this.first["fence"]);
    held.parked = this.parked === true;
    return held;
  }

  /** What is sent again after a resume: the state, then every frame above `acked`. */
  again(): string[] {
    const texts: string[] = [];
    const { id, seen } = this;
    if (this.ready && !this.finished) texts.push(JSON.stringify({ t: "ready", id }));
    if (this.parked !== undefined && !this.finished) {
      const state = this.parked ? { t: "parked", id, seen: seen ?? null } : { t: "unparked", id };
      texts.push(JSON.stringify(state));
    }
    return [...texts, ...this.#unacked.map((sent) => sent.text)];
  }
}
