// What the host and an isolate say to each other.

/** One thing that an agent file defined. */
export interface Definition {
  id: string;
  file: string;
  /** Made by chat.agent or chat.customAgent; else it is a plain task. */
  chat: boolean;
}

/** What of the `boot` frame an isolate needs. */
export interface Boot {
  run: string;
  session: string;
  chat: string;
  agent: string;
  version: string;
  attempt: number;
  token: string;
  payload: unknown;
  /** Tags of the run, when the gateway names them. */
  tags?: string[];
}

export type ToIsolate =
  | { t: "boot"; boot: Boot; url: string; workspace: string }
  | { t: "evict" }
  | { t: "cancel"; reason: string };

export interface ExitError {
  class: "crashed" | "oom" | "failed";
  message: string;
}

export type FromIsolate =
  | { t: "loaded"; definitions: Definition[]; duplicates: string[] }
  | { t: "unloadable"; file: string; message: string }
  | { t: "ready" }
  | { t: "parked"; seen: number | null }
  | { t: "unparked" }
  | { t: "exit"; error?: ExitError };
