// Errors on their way between tabs.

import { TidegateError } from "../errors.js";
import type { ReadEnd } from "../transports/seam.js";
import type { SentEnd, SentError } from "./messages.js";

export function packError(cause: unknown): SentError {
  const error = cause instanceof TidegateError ? cause
    : new TidegateError("unreachable", String(cause), { retry: true });
  const { code, message, status, retry, param, closedReason, unsent } = error;
  return { code, message, status, retry, param, closedReason, unsent };
}

export function unpackError({ code, message, ...more }: SentError): TidegateError {
  return new TidegateError(code, message, more);
}

export function packEnd(end: ReadEnd): SentEnd {
  const { error, ...rest } = end;
  return error === undefined ? rest : { ...rest, error: packError(error) };
}

export function unpackEnd(end: SentEnd): ReadEnd {
  const { error, ...rest } = end;
  return (error === undefined ? rest : { ...rest, error: unpackError(error) }) as ReadEnd;
}
