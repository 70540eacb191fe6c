// What goes over the wire, whatever the transport (spec/v1/records.md, duplex.md).

export type TransportName = "sse" | "websocket" | "webtransport";

/** One record of a stream, as readers get it (R-REC). */
export interface WireRecord {
  seq_num: number;
  /** Unix milliseconds. */
  timestamp: number;
  body: string;
  headers: [name: string, value: string][];
}

/** Which stream of which session. `side` names a side channel. */
export interface Place {
  session: string;
  channel: "in" | "out";
  side?: string;
}

/** Records that can't be delivered any more: `from` to `to` - 1. */
export interface Gap {
  from: number;
  to: number;
  /** `retention`: they were kept long enough. `epoch`: the store lost them. */
  reason: "retention" | "epoch";
}

export interface Appended {
  /** The place of the record in its stream. */
  seq: number;
  pendingVersion?: true;
}

/** A frame of the duplex binding (R-DPX-2). */
export interface Frame {
  t: string;
  id?: number;
  [key: string]: unknown;
}

/** A chunk of the AI SDK's UI message stream, as far as the client itself looks at it. */
export interface Chunk {
  type: string;
  [key: string]: unknown;
}
