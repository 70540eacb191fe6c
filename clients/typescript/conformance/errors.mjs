// Errors as the protocol of spec/v1/suites/clients.md shows them.

import { TidegateError } from "../dist/client/index.js";

/** What of the client's own codes is no refusal. */
const FAILED = new Set(["unreachable", "no_token", "bad_url", "outbox_full", "gap",
  "client_closed", "protocol"]);

export function errorOf(error) {
  if (!(error instanceof TidegateError)) return { kind: "failed", message: String(error) };
  const { code, message, param = null, retry } = error;
  const closed = /^closed_(4[5-9]\d\d)$/.exec(code);
  if (closed !== null) return { kind: "closed", close_code: Number(closed[1]), message };
  if (code === "outcome_unknown") return { kind: "unknown_outcome", message };
  if (code === "no_transport") return { kind: "no_transport", message };
  if (FAILED.has(code)) return { kind: "failed", message: `${code}: ${message}` };
  return { kind: "refused", code, message, param, retry };
}
