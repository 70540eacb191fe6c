// The seam between what a client does and how its bytes travel.

import type { TidegateError } from "../errors.js";
import type { Appended, Gap, Place, TransportName, WireRecord } from "../wire.js";

export interface ReadRequest extends Place {
  /** The cursor: the last seq that the reader has; -1: it has nothing yet, and wants everything. */
  after?: number;
  /** Without a cursor: where to begin. */
  start?: "floor" | "latest";
  /** The credential, where it is another tab's; else the transport knows one. */
  token?: string;
}

export interface AppendRequest extends Place {
  partId: string;
  body: string;
  token?: string;
}

/** Why a read ended. After `cut` the reader may come back with its cursor. */
export type ReadEnd =
  | { why: "cut"; error?: TidegateError; retryMs?: number }
  | { why: "refused"; error: TidegateError; token?: string | undefined };

/** What a read tells. Nothing comes after `ended`, or after the reader closed it. */
export interface ReadSink {
  /** It was taken; records come from now on: those from `from` on, where that is known. */
  opened(from?: number): void;
  /** A promise: do not read more before it resolves. */
  records(records: WireRecord[]): Promise<void> | undefined;
  gap(gap: Gap): void;
  /** Something that is no record came. `tail`: the seq that the next record will get. */
  alive(tail?: number): void;
  /** This way will end soon: open another one after so long. */
  leaving(afterMs: number): void;
  ended(end: ReadEnd): void;
}

export interface Read {
  /** Ask for a sign of life, with the tail. */
  probe(): void;
  /** The application took the record `seq`, of so many bytes. */
  taken(seq: number, bytes: number): void;
  /** Idempotent; `ended` is not called. */
  close(): void;
}

export interface Transport {
  readonly name: TransportName;
  /** Does it say where records are missing? */
  readonly exact: boolean;
  /** Are probes requests of their own? */
  readonly costly: boolean;
  read(request: ReadRequest, sink: ReadSink): Read;
  /** Is there a connection that an append can go over at once? */
  readonly ready: boolean;
  /** Rejects with TidegateError. */
  append(request: AppendRequest): Promise<Appended>;
  /** Does it work here at all? Connects if need be. */
  prove(): Promise<boolean>;
  /** Closes its sockets, so that the page can be kept; reads end as cut. */
  suspend(): void;
  close(): void;
}
