// Follows a session's `.out` to the boundary of one input, over lost connections.

import { GatewayError, refusal } from "../gateway.js";
import type { Gateway } from "../gateway.js";
import type { Chunk } from "../types.js";
import { events } from "./events.js";

interface OutRecord {
  seq_num: number;
  body: string;
  headers: [string, string][];
}

const TIMEOUT_S = 600;
/** The gateway pings every 10 s; a connection that is silent for longer is dead. */
const SILENT_MS = 30_000;
const WAIT_FIRST_MS = 100;
const WAIT_MAX_MS = 5_000;

/** The chunks up to the boundary that settles the input at `input`. */
export async function* follow(
  gateway: Gateway,
  session: string,
  input: number,
  signal: AbortSignal,
): AsyncGenerator<Chunk> {
  let cursor: number | undefined;
  for (let failures = 0; !signal.aborted; ) {
    const connection = new AbortController();
    const abort = () => connection.abort(signal.reason);
    signal.addEventListener("abort", abort);
    try {
      for await (const record of read(gateway, session, cursor, connection)) {
        cursor = record.seq_num;
        failures = 0;
        if (settles(record, input)) return;
        const chunk = chunkOf(record);
        if (chunk !== undefined) yield chunk;
      }
    } catch (error) {
      if (error instanceof GatewayError && error.status < 500) throw error;
    } finally {
      signal.removeEventListener("abort", abort);
      connection.abort();
    }
    const wait = failures === 0 ? 0 : Math.min(WAIT_FIRST_MS * 2 ** failures, WAIT_MAX_MS);
    failures += 1;
    if (!signal.aborted) await new Promise((done) => setTimeout(done, wait));
  }
  throw signal.reason;
}

/** The records of one connection. */
async function* read(
  gateway: Gateway,
  session: string,
  cursor: number | undefined,
  connection: AbortController,
): AsyncGenerator<OutRecord> {
  const headers: Record<string, string> = { "timeout-seconds": String(TIMEOUT_S) };
  if (cursor !== undefined) headers["last-event-id"] = String(cursor);
  const path = `/realtime/v1/sessions/${encodeURIComponent(session)}/out`;
  const response = await gateway.fetch(path, { headers, signal: connection.signal });
  if (!response.ok) throw await refusal(response);
  if (response.body === null) return;
  let silent = setTimeout(() => connection.abort(), SILENT_MS);
  try {
    for await (const { event, data } of events(response.body)) {
      clearTimeout(silent);
      silent = setTimeout(() => connection.abort(), SILENT_MS);
      if (event === "batch") yield* (JSON.parse(data) as { records: OutRecord[] }).records;
    }
  } finally {
    clearTimeout(silent);
  }
}

function settles({ headers }: OutRecord, input: number): boolean {
  const of = (name: string) => headers.find(([key]) => key === name)?.[1];
  const control = of("trigger-control");
  if (control === "session-closed") return true;
  return control === "turn-complete" && Number(of("session-in-event-id") ?? -1) >= input;
}

function chunkOf({ headers, body }: OutRecord): Chunk | undefined {
  if (headers.some(([name]) => name === "" || name === "trigger-control")) return undefined;
  const { data } = JSON.parse(body) as { data?: Chunk };
  return typeof data?.type === "string" ? data : undefined;
}
