// One connection of the duplex binding, as a pure state machine (spec/v1/duplex.md). Frames of both
// WebSocket and WebTransport go through it. Times are milliseconds of one clock.

import { TidegateError } from "../errors.js";
import type { Appended, Frame, Gap, Place, WireRecord } from "../wire.js";
import type { AppendRequest, ReadEnd, ReadRequest } from "./seam.js";

export type DuplexOutput =
  | { do: "send"; frame: Frame }
  | { do: "close"; code: number }
  | { tell: "up" }
  | { tell: "goaway"; afterMs: number }
  | { tell: "pong" }
  | { tell: "opened"; key: number; from?: number }
  | { tell: "records"; key: number; records: WireRecord[] }
  | { tell: "gap"; key: number; gap: Gap }
  | { tell: "alive"; key: number; tail?: number }
  | { tell: "ended"; key: number; end: ReadEnd }
  | { tell: "appended"; key: number; answer: Appended }
  | { tell: "failed"; key: number; error: TidegateError; token?: string | undefined }
  | { tell: "expiring"; session: string }
  | { tell: "down"; error: TidegateError | undefined };

export interface DuplexClose {
  code?: number;
  reason?: string;
}

type Request =
  | { kind: "read"; place: Place; token: string; open: boolean }
  | { kind: "append"; place: Place; token: string; at: number }
  | { kind: "auth"; session: string; token: string }
  | { kind: "left" };

const WINDOW_BYTES = 1 << 20;
const GREETING_MS = 10_000;
const PONG_MS = 3000;
const APPEND_MS = 15_000;
/** How long before its end a credential is renewed. */
const RENEW_MS = 30_000;

export class DuplexMachine {
  #state: "connecting" | "greeting" | "up" | "down" = "connecting";
  #ids = 0;
  #startedAt: number;
  #heardAt: number;
  #pings = 0;
  #pingedAt: number | undefined;
  #silenceMs = 30_000;
  #refusal: Frame | undefined;
  readonly #requests = new Map<number, Request>();
  readonly #credentials = new Map<string, { token: string; renewAt: number }>();
  readonly #outputs: DuplexOutput[] = [];

  /** `token`: that of the connection, where one serves all sessions. */
  constructor(now: number, private readonly token: string | undefined) {
    this.#startedAt = this.#heardAt = now;
  }

  poll(): DuplexOutput | undefined {
    return this.#outputs.shift();
  }

  get up(): boolean {
    return this.#state === "up";
  }

  /** Reads and appends that are not over. */
  get busy(): boolean {
    for (const { kind } of this.#requests.values()) {
      if (kind === "read" || kind === "append") return true;
    }
    return false;
  }

  wakeAt(): number {
    if (this.#state === "down") return Infinity;
    if (this.#state !== "up") return this.#startedAt + GREETING_MS;
    const times = [this.#heardAt + this.#silenceMs];
    if (this.#pingedAt !== undefined) times.push(this.#pingedAt + PONG_MS);
    for (const request of this.#requests.values()) {
      if (request.kind === "append") times.push(request.at + APPEND_MS);
    }
    for (const { renewAt } of this.#credentials.values()) times.push(renewAt);
    return Math.min(...times);
  }

  tick(now: number): void {
    if (this.#state === "down" || now < this.wakeAt()) return;
    if (this.#state !== "up") return this.#dead("the gateway did not answer hello");
    if (this.#pingedAt !== undefined && now >= this.#pingedAt + PONG_MS) {
      return this.#dead("the gateway did not answer a ping");
    }
    if (now >= this.#heardAt + this.#silenceMs) return this.#dead("the gateway is silent");
    for (const [id, request] of this.#requests) {
      if (request.kind !== "append" || now < request.at + APPEND_MS) continue;
      this.#requests.set(id, { kind: "left" });
      const error = new TidegateError("unreachable", "an append got no answer", { retry: true });
      this.#outputs.push({ tell: "failed", key: id, error });
    }
    for (const [session, credential] of this.#credentials) {
      if (now < credential.renewAt) continue;
      credential.renewAt = Infinity;
      this.#outputs.push({ tell: "expiring", session });
    }
  }

  /** The transport is there. */
  opened(now: number): void {
    if (this.#state !== "connecting") return;
    this.#state = "greeting";
    this.#heardAt = now;
    this.#send(this.token === undefined ? { t: "hello" } : { t: "hello", token: this.token });
  }

  /** The key is the id of the read until it ended. Call only when `up`. */
  read(request: ReadRequest, token: string): number {
    this.#authorize(request.session, token);
    const id = ++this.#ids;
    const { session, channel, side, after, start } = request;
    const place = side === undefined ? { session, channel } : { session, channel, side };
    this.#requests.set(id, { kind: "read", place, token, open: false });
    this.#send({ t: "subscribe", id, ...place, window: WINDOW_BYTES,
      ...(after === undefined ? start === "latest" ? { start } : {}
        : after < 0 ? { from: 0 } : { after }) });
    return id;
  }

  append(request: AppendRequest, token: string, now: number): number {
    this.#authorize(request.session, token);
    const id = ++this.#ids;
    const { session, channel, side, partId, body } = request;
    const place = side === undefined ? { session, channel } : { session, channel, side };
    this.#requests.set(id, { kind: "append", place, token, at: now });
    this.#send({ t: "append", id, ...place, part: partId, body });
    return id;
  }

  /** A fresh token for a session whose reads are open. */
  renew(session: string, token: string): void {
    if (this.up) this.#authorize(session, token);
  }

  taken(key: number, seq: number): void {
    if (this.up && this.#requests.get(key)?.kind === "read") this.#send({ t: "ack", id: key, seq });
  }

  leave(key: number): void {
    const request = this.#requests.get(key);
    if (request?.kind !== "read") return;
    this.#requests.set(key, { kind: "left" });
    if (this.up) this.#send({ t: "unsubscribe", id: key });
  }

  /** Asks for a sign of life; one at a time. */
  ping(now: number): void {
    if (!this.up || this.#pingedAt !== undefined) return;
    this.#pingedAt = now;
    this.#send({ t: "ping", n: ++this.#pings });
  }

  received(text: string, now: number, wall: number): void {
    if (this.#state === "down") return;
    this.#heardAt = now;
    const frame = parse(text);
    if (frame === undefined) return this.#dead("what came is not a frame");
    switch (frame.t) {
      case "welcome": return this.#welcome(frame);
      case "batch": return this.#batch(frame);
      case "gap": return this.#gap(frame);
      case "ack": return this.#ack(frame, now, wall);
      case "error": return this.#error(frame);
      case "ping":
        this.#send({ t: "pong", n: frame["n"] });
        return this.#tails(frame);
      case "pong":
        this.#pingedAt = undefined;
        this.#outputs.push({ tell: "pong" });
        return this.#tails(frame);
      case "goaway":
        this.#outputs.push({ tell: "goaway", afterMs: Number(frame["reconnect_ms"]) || 0 });
    }
  }

  closed({ code, reason }: DuplexClose): void {
    if (this.#state === "down") return;
    const said = this.#refusal;
    const message = said === undefined ? reason || `the connection ended (${code ?? "cut"})`
      : String(said["message"] ?? said["code"]);
    const expired = code === 4001 || code === 4500;
    const final = code !== undefined && code >= 4500 && code < 5000;
    const name = expired ? "unauthenticated" : String(said?.["code"] ?? `closed_${code ?? "cut"}`);
    this.#down(expired || final ? new TidegateError(name, message) : undefined);
  }

  /** Ends it from our side; reads end as cut. */
  close(): void {
    if (this.#state === "down") return;
    this.#outputs.push({ do: "close", code: 1000 });
    this.#down(undefined);
  }

  #send(frame: Frame): void {
    this.#outputs.push({ do: "send", frame });
  }

  /** R-DPX-8: it counts from the next request on, so nobody waits for the answer. */
  #authorize(session: string, token: string): void {
    if (token === this.token || this.#credentials.get(session)?.token === token) return;
    const id = ++this.#ids;
    this.#credentials.set(session, { token, renewAt: Infinity });
    this.#requests.set(id, { kind: "auth", session, token });
    this.#send({ t: "auth", id, session, token });
  }

  #welcome(frame: Frame): void {
    if (this.#state !== "greeting") return;
    this.#state = "up";
    const silence = Number(frame["silence_ms"]);
    if (silence > 0) this.#silenceMs = silence;
    this.#outputs.push({ tell: "up" });
  }

  #batch(frame: Frame): void {
    const key = frame.id ?? -1;
    if (this.#requests.get(key)?.kind !== "read") return;
    const records = frame["records"] as WireRecord[];
    const are = Array.isArray(records) && records.every((record) => isSeq(record?.seq_num));
    if (!are) return this.#dead("a batch that is none");
    this.#outputs.push({ tell: "records", key, records });
  }

  #gap(frame: Frame): void {
    const key = frame.id ?? -1;
    if (this.#requests.get(key)?.kind !== "read") return;
    const reason = frame["reason"] === "epoch" ? "epoch" : "retention";
    const { from, to } = frame;
    if (!isSeq(from) || !isSeq(to)) return this.#dead("a gap that is none");
    const gap: Gap = { from, to, reason };
    this.#outputs.push({ tell: "gap", key, gap });
  }

  #ack(frame: Frame, now: number, wall: number): void {
    const key = frame.id ?? -1;
    const request = this.#requests.get(key);
    if (request === undefined) return;
    if (request.kind === "read") {
      if (request.open) return;
      request.open = true;
      const { from, tail } = frame;
      this.#outputs.push(typeof from === "number"
        ? { tell: "opened", key, from } : { tell: "opened", key });
      if (typeof tail === "number") this.#outputs.push({ tell: "alive", key, tail });
      return;
    }
    this.#requests.delete(key);
    if (request.kind === "append") {
      const answer: Appended = { seq: Number(frame["seq"]) };
      if (frame["pending_version"] === true) answer.pendingVersion = true;
      this.#outputs.push({ tell: "appended", key, answer });
    } else if (request.kind === "auth") this.#authorized(request, frame, now, wall);
  }

  #authorized(request: { session: string; token: string }, frame: Frame, now: number,
    wall: number): void {
    const credential = this.#credentials.get(request.session);
    const expiresAt = frame["expires_at"];
    if (credential?.token !== request.token || typeof expiresAt !== "number") return;
    const left = expiresAt - wall;
    credential.renewAt = now + Math.max(1000, left - Math.min(RENEW_MS, left * 0.2));
  }

  #error(frame: Frame): void {
    const id = frame.id;
    if (id === undefined) {
      this.#refusal = frame;
      return;
    }
    const request = this.#requests.get(id);
    if (request === undefined) return;
    this.#requests.delete(id);
    const error = typed(frame);
    if (request.kind === "auth") {
      // What came with it says so itself; the next one tries again.
      if (this.#credentials.get(request.session)?.token === request.token) {
        this.#credentials.delete(request.session);
      }
    } else if (request.kind === "append") {
      this.#outputs.push({ tell: "failed", key: id, error, token: request.token });
    } else if (request.kind === "read") {
      const { token } = request;
      if (error.code === "unauthenticated") this.#credentials.delete(request.place.session);
      this.#outputs.push({ tell: "ended", key: id, end: { why: "refused", error, token } });
    }
  }

  #tails(frame: Frame): void {
    const tails = (frame["tails"] ?? {}) as Record<string, number>;
    for (const [key, request] of this.#requests) {
      if (request.kind !== "read" || !request.open) continue;
      const tail = tails[key];
      this.#outputs.push(typeof tail === "number"
        ? { tell: "alive", key, tail } : { tell: "alive", key });
    }
  }

  #dead(message: string): void {
    this.#outputs.push({ do: "close", code: 4002 });
    this.#down(undefined, message);
  }

  /** `error`: do not come back with the same credential, or at all. */
  #down(error: TidegateError | undefined, message = "the connection is gone"): void {
    this.#state = "down";
    const lost = error ?? new TidegateError("unreachable", message, { retry: true });
    for (const [key, request] of this.#requests) {
      if (request.kind === "read") {
        const end: ReadEnd = error === undefined ? { why: "cut", error: lost }
          : { why: "refused", error, token: request.token };
        this.#outputs.push({ tell: "ended", key, end });
      } else if (request.kind === "append") {
        this.#outputs.push({ tell: "failed", key, error: lost, token: request.token });
      }
    }
    this.#requests.clear();
    this.#outputs.push({ tell: "down", error });
  }
}

function parse(text: string): Frame | undefined {
  try {
    const value = JSON.parse(text) as Frame;
    return typeof value === "object" && value !== null && typeof value.t === "string"
      ? value : undefined;
  } catch {
    return undefined;
  }
}

function isSeq(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function typed(frame: Frame): TidegateError {
  const param = frame["param"];
  return new TidegateError(String(frame["code"] ?? "error"),
    String(frame["message"] ?? frame["code"] ?? "the gateway refused"), {
      retry: frame["retry"] === true,
      param: typeof param === "string" ? param : undefined,
      closedReason: frame["closed_reason"] as string | undefined,
    });
}
