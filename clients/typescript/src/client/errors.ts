// What can go wrong, as types. Codes of the gateway are those of spec/v1/errors.md.

/** A refusal of the gateway, or a failure of the way to it. */
export class TidegateError extends Error {
  override name = "TidegateError";
  /** The HTTP status, where there was one. */
  readonly status: number | undefined;
  /** Can the same request succeed later, unchanged? */
  readonly retry: boolean;
  /** What is at fault. */
  readonly param: string | undefined;
  /** With `session_closed`: why it was closed. */
  readonly closedReason: string | null | undefined;
  /** Is it certain that the gateway never saw the request? */
  readonly unsent: boolean;
  /** With `rate_limited`: when to come back, in Unix milliseconds (R-ERR-4). */
  readonly resetAt: number | undefined;

  constructor(
    /** A code of the gateway, or one of the client: see `ClientCode`. */
    readonly code: string,
    message: string,
    more: { status?: number | undefined; retry?: boolean; param?: string | undefined;
      closedReason?: string | null | undefined; unsent?: boolean; resetAt?: number | undefined;
      cause?: unknown } = {},
  ) {
    super(message, more.cause === undefined ? {} : { cause: more.cause });
    this.status = more.status;
    this.retry = more.retry ?? false;
    this.param = more.param;
    this.closedReason = more.closedReason;
    this.unsent = more.unsent ?? false;
    this.resetAt = more.resetAt;
  }
}

/**
 * Codes that the client itself gives: `unreachable` (no answer), `no_token` (the application gave
 * none), `no_transport` (none of those named works here), `bad_url`, `outbox_full`,
 * `outcome_unknown` (an append may have been committed, and the gateway has forgotten its part id
 * by now), `gap` (a chat lost a part of an answer), `client_closed`, `protocol` (an answer that is
 * none).
 */
export type ClientCode = "unreachable" | "no_token" | "no_transport" | "bad_url" | "outbox_full"
  | "outcome_unknown" | "gap" | "client_closed" | "protocol";

/** The outbox holds as much as it may. Nothing of this append was kept. */
export class OutboxFullError extends TidegateError {
  override name = "OutboxFullError";
  constructor(readonly entries: number, readonly bytes: number) {
    super("outbox_full", `the outbox holds ${entries} appends of ${bytes} bytes, and no more fit`);
  }
}

/** Would a fresh token help? (R-TOK-1) */
export function isCredential(error: TidegateError): boolean {
  return error.code === "unauthenticated" || error.code === "unauthorized"
    || error.status === 401 || error.status === 403;
}

const FINAL_STATUS: ReadonlySet<number> = new Set([400, 401, 403, 404, 409, 410, 422]);

/** Is a refused read final, or may it be asked again? (R-SSE-8) */
export function isFinalRead(error: TidegateError): boolean {
  return error.status === undefined ? !error.retry : FINAL_STATUS.has(error.status);
}

/** What a status means where no code comes with it (R-ERR-7). */
const BY_STATUS: Readonly<Record<number, string>> = { 400: "invalid_body", 401: "unauthenticated",
  403: "unauthorized", 404: "not_found", 413: "body_too_large", 422: "unprocessable",
  429: "rate_limited", 503: "overloaded" };

/** The error of an answer that is no success. */
export async function refusal(response: Response): Promise<TidegateError> {
  const text = await response.text().catch(() => "");
  let body: Record<string, unknown> = {};
  try {
    body = JSON.parse(text) as Record<string, unknown>;
  } catch {
    // A proxy's page, say: the status is all that there is.
  }
  const said = response.headers.get("x-should-retry");
  const { status } = response;
  const reset = Number(response.headers.get("x-ratelimit-reset") ?? "");
  return new TidegateError(
    typeof body["code"] === "string" ? body["code"]
      : BY_STATUS[status] ?? (status >= 500 ? "internal" : "unprocessable"),
    typeof body["error"] === "string" ? body["error"] : `the gateway answers ${status}`,
    {
      status,
      retry: said === null ? status === 408 || status === 429 || status >= 500 : said === "true",
      param: typeof body["param"] === "string" ? body["param"] : undefined,
      closedReason: body["closedReason"] as string | null | undefined,
      // Answers that are no refusals of the limit tell it as well.
      resetAt: status === 429 && reset > 0 ? reset : undefined,
    },
  );
}

/** No answer: the network, or who stands on the way. */
export function unreachable(cause: unknown): TidegateError {
  const message = cause instanceof Error ? cause.message : String(cause);
  const below = (cause as { cause?: { code?: unknown } } | undefined)?.cause?.code;
  return new TidegateError("unreachable", `the gateway can't be reached: ${message}`,
    { retry: true, unsent: below === "ECONNREFUSED", cause });
}
