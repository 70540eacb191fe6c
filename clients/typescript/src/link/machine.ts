// The worker's side of the agent link as a pure state machine: what happened goes in, with the
// time; what to do and what to tell comes out of `poll`. Times are milliseconds of one clock.

import { Backoff } from "./backoff.js";
import { LinkError } from "./errors.js";
import { STATE_FRAMES, WORK_FRAMES } from "./frames.js";
import type { Agent, Frame, Welcome } from "./frames.js";
import { Piece } from "./piece.js";

export interface Registration {
  worker: string;
  agents: Agent[];
  capacity: number;
}

/** Why a connection ended, or was not made. `status` is that of a refused upgrade. */
export interface Closed {
  code?: number;
  status?: number;
  error?: { code?: string; message: string };
}

export type Output =
  | { do: "connect" }
  | { do: "send"; text: string }
  | { do: "close"; code: number; reason: string }
  | { tell: "up" }
  | { tell: "down"; reason: string; retryMs: number }
  | { tell: "work"; frame: Frame & { id: string } }
  | { tell: "frame"; id: string; frame: Frame }
  | { tell: "progress"; id: string }
  | { tell: "refused"; id: string; seq: number; code: string; message: string }
  | { tell: "lost"; id: string; reason: string }
  | { tell: "ended"; error?: LinkError };

const GREETING_MS = 10_000;
/** A drained gateway closes the link; one that does not is left after this. */
const DRAINED_MS = 2_000;
const LOSES_THE_WORK: ReadonlySet<string> = new Set(["seq_gap", "window_exceeded", "not_held"]);

export class LinkMachine {
  #state: "idle" | "connecting" | "greeting" | "up" | "waiting" | "ended" = "idle";
  #epoch = 0;
  #wasUp = false;
  #draining = false;
  #limits = { heartbeat: 0, lease: 0, window: 0, frame: 0 };
  #sentAt = 0;
  #receivedAt = 0;
  #pingedAt = -Infinity;
  #retryAt = 0;
  #drainedAt: number | undefined;
  #goaway: number | undefined;
  #refusal: { code: string; message: string } | undefined;
  #pieces = new Map<string, Piece>();
  #outputs: Output[] = [];
  #backoff: Backoff;

  constructor(
    private readonly registration: Registration,
    random: () => number,
  ) {
    this.#backoff = new Backoff(random);
  }

  poll(): Output | undefined {
    return this.#outputs.shift();
  }

  /** When `tick` is due. */
  wakeAt(): number | undefined {
    switch (this.#state) {
      case "waiting":
        return this.#retryAt;
      case "greeting":
        return this.#receivedAt + GREETING_MS;
      case "up":
        return Math.min(this.#pingAt(), this.#silentAt(), this.#drainedAt ?? Infinity);
      default:
        return undefined;
    }
  }

  get frameMaxBytes(): number {
    return this.#limits.frame;
  }

  start(): void {
    if (this.#state !== "idle") return;
    this.#connect();
  }

  tick(now: number): void {
    if (this.#state === "waiting" && now >= this.#retryAt) return this.#connect();
    if (this.#state === "greeting" && now >= this.#receivedAt + GREETING_MS) {
      return this.#hangUp(now, "the gateway did not answer hello");
    }
    if (this.#state !== "up") return;
    if (now >= this.#silentAt()) return this.#hangUp(now, "the gateway is silent");
    if (this.#drainedAt !== undefined && now >= this.#drainedAt) return this.bye(now);
    if (now < this.#pingAt()) return;
    this.#pingedAt = now;
    this.#send({ t: "ping" }, now);
  }

  opened(now: number): void {
    if (this.#state !== "connecting") return;
    this.#state = "greeting";
    this.#receivedAt = now;
    this.#epoch += 1;
    const { worker, capacity, agents } = this.registration;
    const work = [...this.#pieces.values()].map((piece) => piece.held());
    this.#send({ t: "hello", worker, epoch: this.#epoch, capacity, agents, work }, now);
  }

  received(text: string, now: number): void {
    if (this.#state !== "greeting" && this.#state !== "up") return;
    this.#receivedAt = now;
    const frame = parse(text);
    if (frame === undefined) return this.#hangUp(now, "the gateway sent what is not a frame");
    if (frame.t === "welcome") return this.#welcome(frame as Welcome, now);
    if (frame.t === "error") return this.#error(frame);
    if (frame.t === "goaway") {
      this.#goaway = Number(frame["reconnect_ms"] ?? 0);
      return;
    }
    if (frame.id !== undefined) this.#ofWork(frame as Frame & { id: string }, now);
  }

  closed(why: Closed, now: number): void {
    if (this.#state === "ended" || this.#state === "waiting") return;
    const fatal = this.#fatal(why);
    if (fatal !== undefined) return this.#end(fatal);
    // The gateway closes a drained link in good order when nothing is left there.
    if (this.#draining && (why.code === 1000 || this.#pieces.size === 0)) return this.#end();
    this.#wait(now, why.error?.message ?? `closed with ${why.code ?? "no code"}`);
  }

  /** Sends a frame of a piece of work, numbered. `full`: no room in the window now. */
  submit(id: string, frame: Frame, now: number): "sent" | "full" | "lost" | "too_large" {
    const piece = this.#pieces.get(id);
    if (piece === undefined || piece.finished) return "lost";
    if (STATE_FRAMES.has(frame.t)) {
      this.#setState(piece, frame);
      if (this.#state === "up") this.#send({ ...frame, id }, now);
      return "sent";
    }
    const sent = piece.number(frame);
    if (sent.bytes > this.#limits.frame) return "too_large";
    if (!piece.hasRoom(sent.bytes, this.#limits.window)) return "full";
    piece.keep(sent, frame);
    if (this.#state === "up") this.#sendText(sent.text, now);
    return "sent";
  }

  /** Is everything that was sent for it acknowledged? A piece that is gone is settled. */
  settled(id: string): boolean {
    return this.#pieces.get(id)?.settled ?? true;
  }

  /** Is the piece gone, so that nothing more can come for it? */
  over(id: string): boolean {
    return !this.#pieces.has(id);
  }

  /** Takes no new work; the link ends when nothing is left. */
  drain(now: number): void {
    if (this.#draining || this.#state === "ended") return;
    this.#draining = true;
    if (this.#state === "up") this.#send({ t: "drain" }, now);
    else if (this.#pieces.size === 0) return this.bye(now);
    this.#noteDrained(now);
  }

  /** Ends the link for good; what it holds is lost at once. */
  bye(now: number): void {
    if (this.#state === "ended") return;
    if (this.#state === "up") this.#send({ t: "bye" }, now);
    this.#outputs.push({ do: "close", code: 1000, reason: "bye" });
    this.#end();
  }

  /** The gateway must hear of us now and then, and answer: not every frame has an answer. */
  #pingAt(): number {
    const heard = Math.max(this.#receivedAt, this.#pingedAt);
    return Math.min(this.#sentAt, heard) + this.#limits.heartbeat * 0.6;
  }

  #silentAt(): number {
    return this.#receivedAt + this.#limits.lease;
  }

  #connect(): void {
    this.#state = "connecting";
    this.#outputs.push({ do: "connect" });
  }

  #send(frame: Frame, now: number): void {
    this.#sendText(JSON.stringify(frame), now);
  }

  #sendText(text: string, now: number): void {
    this.#sentAt = now;
    this.#outputs.push({ do: "send", text });
  }

  #welcome(welcome: Welcome, now: number): void {
    if (this.#state !== "greeting") return this.#hangUp(now, "the gateway welcomed twice");
    this.#state = "up";
    this.#wasUp = true;
    this.#refusal = undefined;
    this.#goaway = undefined;
    this.#backoff.reset();
    this.#limits = {
      heartbeat: welcome.heartbeat_ms,
      lease: welcome.lease_ms,
      window: welcome.window_bytes,
      frame: welcome.frame_max_bytes,
    };
    this.#outputs.push({ tell: "up" });
    this.#resume(welcome, now);
    if (this.#draining) this.#send({ t: "drain" }, now);
    this.#noteDrained(now);
  }

  #resume(welcome: Welcome, now: number): void {
    const answers = new Map((welcome.work ?? []).map((answer) => [answer.id, answer]));
    for (const piece of [...this.#pieces.values()]) {
      const answer = answers.get(piece.id);
      if (answer?.held !== true) {
        this.#lose(piece, "not_held", now);
        continue;
      }
      this.#acked(piece, answer.acked ?? piece.acked, now);
      for (const text of piece.again()) this.#sendText(text, now);
    }
  }

  #ofWork(frame: Frame & { id: string }, now: number): void {
    const piece = this.#pieces.get(frame.id);
    if (WORK_FRAMES.has(frame.t)) {
      if (piece !== undefined) return;
      this.#pieces.set(frame.id, new Piece(frame));
      this.#drainedAt = undefined;
      this.#outputs.push({ tell: "work", frame });
    } else if (piece === undefined) {
      return;
    } else if (frame.t === "ack") {
      this.#acked(piece, Number(frame.seq), now);
    } else if (frame.t === "cancel" && !piece.isRun) {
      this.#outputs.push({ tell: "frame", id: piece.id, frame });
      this.#lose(piece, "cancelled", now);
    } else {
      const fresh = piece.fresh(frame);
      if (fresh !== undefined) this.#outputs.push({ tell: "frame", id: piece.id, frame: fresh });
    }
  }

  #acked(piece: Piece, seq: number, now: number): void {
    piece.ack(seq);
    if (piece.finished && piece.settled) this.#drop(piece, now);
    this.#outputs.push({ tell: "progress", id: piece.id });
  }

  #error(frame: Frame): void {
    const code = String(frame["code"] ?? "error");
    const message = String(frame["message"] ?? code);
    const piece = frame.id === undefined ? undefined : this.#pieces.get(frame.id);
    if (frame.id === undefined) {
      this.#refusal = { code, message };
    } else if (piece === undefined) {
      return;
    } else if (LOSES_THE_WORK.has(code)) {
      this.#lose(piece, code, this.#receivedAt);
    } else if (frame.seq !== undefined && piece.refuse(frame.seq)) {
      this.#outputs.push({ tell: "refused", id: piece.id, seq: frame.seq, code, message });
      this.#acked(piece, piece.acked, this.#receivedAt);
    }
  }

  #setState(piece: Piece, frame: Frame): void {
    if (frame.t === "ready") piece.ready = true;
    else piece.parked = frame.t === "parked";
    const seen = frame["seen"];
    if (typeof seen === "number") piece.seen = Math.max(seen, piece.seen ?? seen);
  }

  #lose(piece: Piece, reason: string, now: number): void {
    this.#drop(piece, now);
    this.#outputs.push({ tell: "lost", id: piece.id, reason });
  }

  #drop(piece: Piece, now: number): void {
    this.#pieces.delete(piece.id);
    this.#noteDrained(now);
  }

  #noteDrained(now: number): void {
    if (this.#draining && this.#pieces.size === 0) this.#drainedAt ??= now + DRAINED_MS;
  }

  #hangUp(now: number, reason: string): void {
    this.#outputs.push({ do: "close", code: 4002, reason });
    this.#wait(now, reason);
  }

  #wait(now: number, reason: string): void {
    this.#state = "waiting";
    const retryMs = this.#goaway ?? this.#backoff.next();
    this.#goaway = undefined;
    this.#retryAt = now + retryMs;
    this.#outputs.push({ tell: "down", reason, retryMs });
  }

  #fatal({ code, status, error }: Closed): LinkError | undefined {
    const message = error?.message ?? "";
    if (status === 401 || status === 403) {
      return new LinkError("unauthorized", message || "the gateway refuses the key");
    }
    if (!this.#wasUp && status !== undefined && status >= 400 && status < 500) {
      if (status === 408 || status === 429) return undefined;
      return new LinkError(error?.code ?? "bad_url", message || `the gateway answers ${status}`);
    }
    if (code !== undefined && code >= 4500 && code < 5000) {
      const refusal = this.#refusal ?? { code: "refused", message: message || `closed: ${code}` };
      return new LinkError(refusal.code, refusal.message);
    }
    return undefined;
  }

  #end(error?: LinkError): void {
    this.#state = "ended";
    for (const piece of this.#pieces.values()) {
      this.#outputs.push({ tell: "lost", id: piece.id, reason: "closed" });
    }
    this.#pieces.clear();
    this.#outputs.push(error === undefined ? { tell: "ended" } : { tell: "ended", error });
  }
}

function parse(text: string): Frame | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== "object" || value === null) return undefined;
    return typeof (value as Frame).t === "string" ? (value as Frame) : undefined;
  } catch {
    return undefined;
  }
}
