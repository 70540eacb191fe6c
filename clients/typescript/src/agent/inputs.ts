// What a record of `.in` submits.

import type { UIMessage } from "ai";

export interface InRecord {
  seq_num: number;
  body: string;
}

/** The message that it submits; undefined for another kind of input. */
export function messageOf(record: InRecord): UIMessage | undefined {
  const said = parse(record.body);
  if (said?.kind !== "message") return undefined;
  const { trigger = "submit-message", message } = said.payload ?? {};
  return trigger === "submit-message" && typeof message === "object" ? message : undefined;
}

interface Said {
  kind?: string;
  payload?: { trigger?: string; message?: UIMessage };
}

function parse(body: string): Said | undefined {
  try {
    return JSON.parse(JSON.parse(body).data) as Said;
  } catch {
    return undefined;
  }
}
