// The frames of the agent link (spec/v1/agent-link.md). Keys that we do not know are kept.

export const SUBPROTOCOL = "tidegate.agent.v1";

export type Mode = "turns" | "runs" | "http";

/** What a worker offers to serve (R-LNK-7). */
export interface Agent {
  id: string;
  /** 1 to 64 printable ASCII characters; the gateway takes "1" when it is absent. */
  version?: string;
  mode: Mode;
  /** It takes messages while a turn runs. */
  steering?: boolean;
  /** It answers action turns. */
  actions?: boolean;
  /** Mode `http`: seconds that a finished turn's run stays before it parks. */
  warm_s?: number;
  tools?: Tool[];
  /** What of a head start it takes over; without it none is made for it (R-HDS-11). */
  handover?: "calls" | "text";
  metadata?: unknown;
}

/** A tool as it is registered (R-HDS-22). */
export interface Tool {
  name: string;
  description?: string;
  input_schema?: object;
  needs_approval?: boolean;
}

/** A frame as it is on the wire. */
export interface Frame {
  t: string;
  id?: string;
  seq?: number;
  [key: string]: unknown;
}

/** One entry of `hello.work` (R-LNK-10). */
export interface HeldWork {
  id: string;
  acked: number;
  seen?: number;
  run?: string;
  fence?: number;
  parked?: boolean;
}

export interface Welcome extends Frame {
  t: "welcome";
  heartbeat_ms: number;
  lease_ms: number;
  resume_ms: number;
  window_bytes: number;
  frame_max_bytes: number;
  work: { id: string; held: boolean; acked?: number }[];
}

/** What hands over a piece of work. */
export const WORK_FRAMES: ReadonlySet<string> = new Set(["turn", "boot"]);

/** What a worker says about its state: only the newest counts, so it is not numbered. */
export const STATE_FRAMES: ReadonlySet<string> = new Set(["ready", "parked", "unparked"]);

/** After these a worker holds nothing of the piece of work any more. */
export const LAST_FRAMES: ReadonlySet<string> = new Set(["done", "exit"]);

/** The highest `.in` seq in the records of an `in` frame. */
export function highestSeq(frame: Frame): number | undefined {
  if (!Array.isArray(frame["records"])) return undefined;
  let highest: number | undefined;
  for (const record of frame["records"] as { seq_num?: unknown }[]) {
    const seq = record?.seq_num;
    if (typeof seq === "number" && (highest === undefined || seq > highest)) highest = seq;
  }
  return highest;
}
