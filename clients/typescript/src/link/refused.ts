// What the gateway said when it refused the upgrade.

import type { IncomingMessage } from "node:http";
import type { Closed } from "./machine.js";

const MAX_BODY_BYTES = 64 * 1024;

export async function refusedUpgrade(response: IncomingMessage): Promise<Closed> {
  const status = response.statusCode ?? 0;
  const body = await text(response);
  const said = parse(body);
  const message = said?.error ?? said?.message ?? `the gateway answers ${status}`;
  const code = said?.code;
  return { status, error: code === undefined ? { message } : { code, message } };
}

async function text(response: IncomingMessage): Promise<string> {
  let body = "";
  try {
    for await (const piece of response) {
      body += String(piece);
      if (body.length > MAX_BODY_BYTES) break;
    }
  } catch {
    // What came of it is enough.
  }
  return body;
}

function parse(body: string): { code?: string; error?: string; message?: string } | undefined {
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === "object" && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}
