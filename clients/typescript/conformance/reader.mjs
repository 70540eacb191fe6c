// A subscription, read when it is asked for.

import { errorOf } from "./errors.mjs";
import { shown } from "./events.mjs";

const NEXT_MS = 20_000;

export class Reader {
  #events;
  #pending;
  #queue = [];
  #closed = false;

  constructor(subscription, cursor = null) {
    this.subscription = subscription;
    this.cursor = cursor;
    this.#events = subscription[Symbol.asyncIterator]();
  }

  get transport() {
    return this.subscription.transport;
  }

  move(transport) {
    this.subscription.moveTo(transport);
  }

  close() {
    this.#closed = true;
    this.#queue = [];
    this.subscription.close();
  }

  /** Until it is read over `transport`, or over any. Throws the refusal. */
  async live(transport) {
    const is = () => this.transport !== undefined
      && (transport === undefined || this.transport === transport);
    while (!is()) {
      const { done, value } = await this.#within();
      if (done) throw new Error("the subscription was closed");
      this.#queue.push(value);
    }
  }

  /** The next record or gap within so long, or ever; `late` or `ended` if there is none. */
  async next(withinMs = Infinity) {
    const until = performance.now() + withinMs;
    for (;;) {
      const { done, value, late } = this.#queue.length > 0
        ? { value: this.#queue.shift() } : await this.#within(until - performance.now());
      if (late || done) return { late, ended: done };
      if (value.type === "state") continue;
      this.cursor = value.type === "gap" ? value.to - 1 : value.seq;
      return { event: value };
    }
  }

  /** What answers the input `seq`. */
  async answer(seq) {
    const found = { text: "", seq, floor: null, gaps: 0 };
    for (;;) {
      const { event, ended } = await this.next();
      if (ended) throw new Error("the answer has no end");
      if (event.type === "gap") found.gaps += 1;
      if (event.type === "chunk" && event.chunk.type === "text-delta") {
        found.text += event.chunk.delta;
      }
      if (event.type === "session-closed") return found;
      if (event.type !== "turn-complete") continue;
      if (event.answered === undefined || event.answered >= seq) {
        return { ...found, floor: event.answered ?? null };
      }
      found.text = "";
    }
  }

  /** What comes after `ms` is kept for the next call. */
  async #within(ms = Infinity) {
    if (this.#closed) return { done: true };
    let timer;
    const late = new Promise((done) => {
      if (ms < Infinity) timer = setTimeout(() => done({ late: true }), ms);
    });
    this.#pending ??= this.#events.next();
    try {
      const found = await Promise.race([this.#pending, late]);
      if (!found.late) this.#pending = undefined;
      return found;
    } finally {
      clearTimeout(timer);
    }
  }
}

/** The command `next`. */
export async function read(reader, { count, boundaries, chunk, within_ms: within = NEXT_MS }) {
  const events = [];
  const until = performance.now() + within;
  const sums = () => {
    if (count != null) return events.length >= count;
    if (boundaries != null) {
      return events.filter((one) => one.control?.kind === "turn-complete").length >= boundaries;
    }
    return events.at(-1)?.chunk?.type === chunk;
  };
  while (!sums()) {
    try {
      const { event, late, ended } = await reader.next(until - performance.now());
      if (late) return { events, timed_out: true };
      if (ended) return { events, ended: { kind: "closed_here" } };
      events.push(shown(event));
    } catch (error) {
      return { events, ended: errorOf(error) };
    }
  }
  return { events };
}
