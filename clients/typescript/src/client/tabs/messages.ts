// What tabs of one browser say to each other about the connection that they share.

import type { AppendRequest, ReadEnd, ReadRequest } from "../transports/seam.js";
import type { Appended, Gap, TransportName, WireRecord } from "../wire.js";

/** To whoever leads. `n` is the tab's own number for a read, an append or a question. */
export type ToLeader =
  | { t: "hello"; tab: string }
  | { t: "read"; tab: string; n: number; transport: TransportName; request: ReadRequest }
  | { t: "append"; tab: string; n: number; transport: TransportName; request: AppendRequest }
  | { t: "prove"; tab: string; n: number; transport: TransportName }
  | { t: "probe" | "close"; tab: string; n: number }
  | { t: "taken"; tab: string; n: number; seq: number; bytes: number };

/** To one tab; `lead` goes to all of them. */
export type FromLeader =
  | { t: "lead"; leader: string }
  | { t: "resign"; leader: string }
  | { t: "opened"; n: number; from?: number }
  | { t: "records"; n: number; records: WireRecord[] }
  | { t: "gap"; n: number; gap: Gap }
  | { t: "alive"; n: number; tail?: number }
  | { t: "leaving"; n: number; afterMs: number }
  | { t: "ended"; n: number; end: SentEnd }
  | { t: "appended"; n: number; answer: Appended }
  | { t: "failed"; n: number; error: SentError }
  | { t: "proof"; n: number; works: boolean };

/** Errors lose their class on the way between tabs. */
export interface SentError {
  code: string;
  message: string;
  status: number | undefined;
  retry: boolean;
  param: string | undefined;
  closedReason: string | null | undefined;
  unsent: boolean;
  token?: string | undefined;
}

export type SentEnd = Omit<ReadEnd, "error"> & { error?: SentError };
