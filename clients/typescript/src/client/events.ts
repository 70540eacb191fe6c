// What a subscription yields, and how records become events.

import type { TidegateError } from "./errors.js";
import type { Chunk, Gap, TransportName, WireRecord } from "./wire.js";

interface OfRecord {
  seq: number;
  /** Unix milliseconds. */
  timestamp: number;
  record: WireRecord;
}

/** A piece of an answer; on `.in` and side channels, `chunk` is what was appended, a string. */
export interface ChunkEvent extends OfRecord {
  type: "chunk";
  /** The part id of the append. */
  id: string;
  chunk: Chunk;
}

/** A turn ended. Everything up to `answered` of what was sent has its fate. */
export interface TurnCompleteEvent extends OfRecord {
  type: "turn-complete";
  /** The floor: an `.in` seq. Absent if the turn did not come from `.in`. */
  answered?: number;
  /** The high-water: the highest `.in` seq that was seen. */
  consumed?: number;
  /** The session closed with this turn. */
  closed: boolean;
  closedReason?: string;
}

/** The session takes no more input. */
export interface SessionClosedEvent extends OfRecord {
  type: "session-closed";
  reason: string | null;
}

/** Another control record: `upgrade-required`, `pending-version`, `keep-alive`, or a newer one. */
export interface ControlEvent extends OfRecord {
  type: "control";
  kind: string;
}

export interface GapEvent extends Gap {
  type: "gap";
}

/** How the subscription is doing. `live` names the transport that brings it. */
export interface StateEvent {
  type: "state";
  state: "connecting" | "live" | "waiting";
  transport?: TransportName;
  /** With `waiting`: until the next try. Absent while the page is hidden away or offline. */
  retryMs?: number;
  /** With `waiting`: what went wrong. */
  error?: TidegateError;
}

export type RecordEvent = ChunkEvent | TurnCompleteEvent | SessionClosedEvent | ControlEvent;
export type SessionEvent = RecordEvent | GapEvent | StateEvent;

/** A record as an event; the token that it carries for us, if any (R-VIEW-3). */
export function toEvent(record: WireRecord): { event: RecordEvent; token?: string } {
  const kind = header(record, "trigger-control");
  const of = { seq: record.seq_num, timestamp: record.timestamp, record };
  if (kind === undefined) return { event: { type: "chunk", ...of, ...envelope(record.body) } };
  if (kind === "session-closed") {
    const reason = header(record, "session-closed-reason") ?? null;
    return { event: { type: "session-closed", ...of, reason } };
  }
  if (kind !== "turn-complete") return { event: { type: "control", ...of, kind } };
  const event: TurnCompleteEvent = { type: "turn-complete", ...of,
    closed: header(record, "session-closed") === "true" };
  const answered = digits(header(record, "session-in-event-id"));
  const consumed = digits(header(record, "session-in-consumed-id"));
  const reason = header(record, "session-closed-reason");
  if (answered !== undefined) event.answered = answered;
  if (consumed !== undefined) event.consumed = consumed;
  if (reason !== undefined) event.closedReason = reason;
  const token = header(record, "public-access-token");
  return token === undefined ? { event } : { event, token };
}

function header(record: WireRecord, name: string): string | undefined {
  return record.headers.find(([key]) => key === name)?.[1];
}

function digits(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,16}$/.test(text) ? Number(text) : undefined;
}

/** What is no envelope is shown as it is: a reader does not fail at what it does not know. */
function envelope(body: string): { id: string; chunk: Chunk } {
  try {
    const { data, id } = JSON.parse(body) as { data: Chunk; id: unknown };
    return { id: typeof id === "string" ? id : "", chunk: data };
  } catch {
    return { id: "", chunk: { type: "unreadable", body } };
  }
}
