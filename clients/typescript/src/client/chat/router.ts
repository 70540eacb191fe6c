// Which turn a chunk belongs to, and who reads that turn. Pure.
//
// A record does not say whose question it answers; only the boundary behind it does. But turns do
// not interleave (R-OUT-3) and answer inputs in order, so the first turn that begins after our
// append, with no other one running, is ours unless its boundary says otherwise.

import type { Chunk } from "../wire.js";

/** A reader of one turn. */
export interface TurnReader {
  chunk(chunk: Chunk): void;
  end(): void;
  fail(error: Error): void;
}

/** One of our inputs, until its turn is over. Without a reader: stopped, or not looked at. */
interface Own {
  seq: number;
  reader: TurnReader | undefined;
  /** It was sent by a former page: its turn may have begun long ago. */
  past: boolean;
}

/** A turn that nobody here asked for, or that was asked for by a former page. */
interface Foreign {
  chunks: Chunk[];
  done: boolean;
  reader: TurnReader | undefined;
}

/** Turns that nobody has joined yet. Older ones are left to the next reload. */
const UNJOINED_MAX = 16;

export class TurnRouter {
  #own: Own[] = [];
  #foreign: Foreign[] = [];
  #open: Own | Foreign | undefined;
  #joiners: TurnReader[] = [];
  /** What is up to here was written before we came: only a turn that is still open matters. */
  #before = -1;

  /** `began`: a turn of others began, or waits to be joined. */
  constructor(private readonly began: () => void) {}

  /** Does anybody wait for something? */
  get busy(): boolean {
    return this.#own.length > 0 || this.#joiners.length > 0
      || this.#foreign.some(({ reader }) => reader !== undefined);
  }

  /** Is there a turn of others that nobody reads? */
  get joinable(): boolean {
    return this.#foreign.some(({ reader }) => reader === undefined);
  }

  get outstanding(): number | undefined {
    return this.#own[0]?.seq;
  }

  /** Reading begins at `cursor`; the newest record is `newest` (-1: none). */
  begin(cursor: number | undefined, newest: number): void {
    this.#open = undefined;
    this.#before = cursor !== undefined && cursor >= newest ? -1 : newest;
  }

  /** An input of ours is at `seq`; `reader` gets its turn. */
  ask(seq: number, reader: TurnReader, past = false): void {
    this.#own.push({ seq, reader, past });
    this.#own.sort((one, other) => one.seq - other.seq);
  }

  /** Its turn goes on, but nobody reads it any more. */
  leave(reader: TurnReader): void {
    for (const own of this.#own) if (own.reader === reader) own.reader = undefined;
    this.#joiners = this.#joiners.filter((one) => one !== reader);
    this.#foreign = this.#foreign.filter((turn) => turn.reader !== reader);
  }

  /** The oldest turn of others that nobody reads; else the next one that begins. */
  join(reader: TurnReader): void {
    const turn = this.#foreign.find((one) => one.reader === undefined);
    if (turn !== undefined && this.#before < 0) this.#joined(turn, reader);
    else this.#joiners.push(reader);
  }

  chunk(seq: number, chunk: Chunk): void {
    this.#open ??= this.#begins(seq);
    if ("seq" in this.#open) this.#open.reader?.chunk(chunk);
    else if (this.#open.reader !== undefined) this.#open.reader.chunk(chunk);
    else this.#open.chunks.push(chunk);
    this.#caughtUp(seq);
  }

  boundary(seq: number, answered: number | undefined): void {
    const open = this.#open;
    this.#open = undefined;
    const answers = (own: Own) => answered === undefined ? own === open : own.seq <= answered;
    const settled = this.#own.filter(answers);
    this.#own = this.#own.filter((own) => !answers(own));
    if (open !== undefined && "chunks" in open) {
      // It was read before it could be known whose it is.
      for (const chunk of open.chunks) settled[0]?.reader?.chunk(chunk);
    }
    for (const { reader } of settled) reader?.end();
    if (open !== undefined && !("seq" in open)) this.#ends(open, seq);
    this.#caughtUp(seq);
  }

  /** Nothing more can be relied on: a gap, an error, the end of the session. */
  fail(error: Error | undefined): void {
    const readers = [...this.#own, ...this.#foreign].map(({ reader }) => reader);
    readers.push(...this.#joiners);
    this.#own = [];
    this.#foreign = [];
    this.#joiners = [];
    this.#open = undefined;
    for (const reader of readers) error === undefined ? reader?.end() : reader?.fail(error);
  }

  #begins(seq: number): Own | Foreign {
    const own = this.#own[0];
    if (own !== undefined && seq > this.#before) return own;
    const turn: Foreign = { chunks: [], done: false, reader: undefined };
    if (seq <= this.#before) return turn;
    this.#keep(turn);
    return turn;
  }

  #ends(turn: Foreign, seq: number): void {
    turn.done = true;
    turn.reader?.end();
    if (turn.reader !== undefined || seq <= this.#before) {
      this.#foreign = this.#foreign.filter((one) => one !== turn);
    }
  }

  /** What was there before us is read: a turn that is open now is one to join. */
  #caughtUp(seq: number): void {
    if (this.#before < 0 || seq < this.#before) return;
    this.#before = -1;
    const open = this.#open;
    if (open === undefined || "seq" in open) return;
    if (this.#foreign.includes(open)) return;
    const own = this.#own[0];
    if (own?.past !== true) return this.#keep(open);
    this.#open = own;
    for (const chunk of open.chunks) own.reader?.chunk(chunk);
  }

  #keep(turn: Foreign): void {
    this.#foreign.push(turn);
    if (this.#foreign.length > UNJOINED_MAX) this.#foreign.shift();
    const joiner = this.#joiners.shift();
    if (joiner !== undefined) this.#joined(turn, joiner);
    else this.began();
  }

  #joined(turn: Foreign, reader: TurnReader): void {
    turn.reader = reader;
    const { chunks } = turn;
    turn.chunks = [];
    for (const chunk of chunks) reader.chunk(chunk);
    if (!turn.done) return;
    this.#foreign = this.#foreign.filter((one) => one !== turn);
    reader.end();
  }
}
