// Requests with the session's credential: one refresh, then the answer counts (R-TOK-1).

import { isCredential, refusal, unreachable } from "../errors.js";
import type { Tokens } from "../tokens.js";
import type { AppendRequest } from "./seam.js";
import type { Appended } from "../wire.js";
import { streamPath } from "./paths.js";

export interface HttpOptions {
  /** Without a slash at its end. */
  url: string;
  tokens: Tokens;
  fetch: typeof fetch;
  /** Sent with every request. */
  headers: Record<string, string>;
}

export interface Ask {
  method?: string;
  headers?: Record<string, string>;
  body?: string;
  signal?: AbortSignal;
  /** How long until the answer's headers must be there. */
  timeoutMs?: number;
}

const TIMEOUT_MS = 30_000;

export class Http {
  constructor(private readonly options: HttpOptions) {}

  /** A successful answer; rejects with TidegateError, or with the signal's reason. */
  async ask(session: string, path: string, ask: Ask = {}): Promise<Response> {
    const { tokens } = this.options;
    for (let again = false; ; again = true) {
      const token = await tokens.get(session);
      const response = await this.once(path, token, ask);
      if (response.ok) return response;
      const error = await refusal(response);
      if (again || !isCredential(error)) throw error;
      if (!(await tokens.refresh(session, token))) throw error;
    }
  }

  /** Whatever the answer is. */
  async once(path: string, token: string, ask: Ask = {}): Promise<Response> {
    const { url, fetch, headers } = this.options;
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(new Error("no answer in time")),
      ask.timeoutMs ?? TIMEOUT_MS);
    const forward = () => late.abort(ask.signal?.reason);
    if (ask.signal?.aborted === true) forward();
    ask.signal?.addEventListener("abort", forward, { once: true });
    const init: RequestInit = {
      method: ask.method ?? "GET",
      headers: { ...headers, ...ask.headers, authorization: `Bearer ${token}` },
      signal: late.signal,
      cache: "no-store",
    };
    if (ask.body !== undefined) init.body = ask.body;
    try {
      return await fetch(url + path, init);
    } catch (cause) {
      if (ask.signal?.aborted === true) throw ask.signal.reason;
      throw unreachable(cause);
    } finally {
      clearTimeout(timer);
    }
  }

  async append(request: AppendRequest): Promise<Appended> {
    const response = await this.ask(request.session, `${streamPath(request)}/append`, {
      method: "POST",
      body: request.body,
      headers: { "content-type": "application/json", "x-part-id": request.partId },
    });
    let answer: { seq?: number; pendingVersion?: boolean };
    try {
      answer = (await response.json()) as typeof answer;
    } catch (cause) {
      throw unreachable(cause);
    }
    return answer.pendingVersion === true
      ? { seq: Number(answer.seq), pendingVersion: true } : { seq: Number(answer.seq) };
  }
}
