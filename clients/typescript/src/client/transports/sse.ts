// Reads over SSE and appends over HTTP: what works wherever the web works.

import { TidegateError, refusal, unreachable } from "../errors.js";
import type { Tokens } from "../tokens.js";
import type { WireRecord } from "../wire.js";
import { EventStream } from "./event-stream.js";
import type { Http } from "./http.js";
import { streamPath } from "./paths.js";
import type { AppendRequest, Read, ReadEnd, ReadRequest, ReadSink, Transport } from "./seam.js";

/** Windows are long; the gateway's pings say that one is alive. */
const WINDOW_S = 600;
const HEADERS_MS = 10_000;
const PROBE_MS = 1500;

export class SseTransport implements Transport {
  readonly name = "sse" as const;
  readonly exact = false;
  readonly costly = true;
  readonly ready = true;
  readonly #open = new Set<SseRead>();

  constructor(private readonly http: Http, private readonly tokens: Tokens) {}

  read(request: ReadRequest, sink: ReadSink): Read {
    const read = new SseRead(this.http, this.tokens, request, sink, () => this.#open.delete(read));
    this.#open.add(read);
    return read;
  }

  append(request: AppendRequest) {
    return this.http.append(request);
  }

  prove(): Promise<boolean> {
    return Promise.resolve(true);
  }

  suspend(): void {
    for (const read of [...this.#open]) read.cut();
  }

  close(): void {
    this.suspend();
  }
}

class SseRead implements Read {
  readonly #abort = new AbortController();
  #over = false;
  #probing = false;

  constructor(
    private readonly http: Http,
    private readonly tokens: Tokens,
    private readonly request: ReadRequest,
    private readonly sink: ReadSink,
    private readonly forget: () => void,
  ) {
    void this.#run();
  }

  /** HEAD tells the newest seq, and that the way to the gateway is open (R-PG-2). */
  probe(): void {
    if (this.#over || this.#probing) return;
    this.#probing = true;
    const ask = { method: "HEAD", signal: this.#abort.signal, timeoutMs: PROBE_MS };
    this.http.ask(this.request.session, streamPath(this.request), ask).then((response) => {
      const newest = Number(response.headers.get("x-last-chunk-index") ?? "-1");
      if (!this.#over) this.sink.alive(Number.isInteger(newest) ? newest + 1 : undefined);
    }, () => undefined).finally(() => (this.#probing = false));
  }

  taken(): void {
    // What is not read stays in the socket: that is all the flow control there is.
  }

  close(): void {
    this.#finish();
  }

  cut(): void {
    this.#end({ why: "cut" });
  }

  async #run(): Promise<void> {
    const { session, start } = this.request;
    let { after } = this.request;
    let token: string | undefined;
    try {
      if (after === undefined && start === "latest") after = await this.#newest();
      token = await this.tokens.get(session);
      const headers: Record<string, string> = {
        accept: "text/event-stream", "timeout-seconds": String(WINDOW_S) };
      if (after === -1) headers["tidegate-from"] = "0";
      else if (after !== undefined) headers["last-event-id"] = String(after);
      const response = await this.http.once(streamPath(this.request), token,
        { headers, signal: this.#abort.signal, timeoutMs: HEADERS_MS });
      if (!response.ok || response.body === null) {
        return this.#end({ why: "refused", error: await refusal(response), token });
      }
      if (this.#over) return;
      this.sink.opened(after === undefined ? undefined : after + 1);
      // Of an empty stream no record says where this read began.
      if (after === undefined) this.probe();
      this.#end(await this.#body(response.body));
    } catch (cause) {
      const error = cause instanceof TidegateError ? cause : unreachable(cause);
      const refused = error.status !== undefined || error.code === "no_token";
      this.#end(refused ? { why: "refused", error } : { why: "cut", error });
    }
  }

  /** A cursor for "from now on": it holds over cuts. Of an empty stream that is all of it. */
  async #newest(): Promise<number> {
    const response = await this.http.ask(this.request.session, streamPath(this.request),
      { method: "HEAD", signal: this.#abort.signal, timeoutMs: HEADERS_MS });
    const newest = Number(response.headers.get("x-last-chunk-index") ?? "-1");
    return newest >= 0 ? newest : -1;
  }

  async #body(body: ReadableStream<Uint8Array>): Promise<ReadEnd> {
    const reader = body.getReader();
    const text = new TextDecoder();
    const events = new EventStream();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return { why: "cut" };
      for (const { event, data } of events.push(text.decode(value, { stream: true }))) {
        if (this.#over) return { why: "cut" };
        if (event === "batch") await this.sink.records(batch(data));
        else if (event === "ping") this.sink.alive();
        else if (event === "error") {
          return { why: "cut", error: new TidegateError("unreachable", data, { retry: true }) };
        }
      }
    }
  }

  #end(end: ReadEnd): void {
    if (this.#over) return;
    this.#finish();
    this.sink.ended(end);
  }

  #finish(): void {
    if (this.#over) return;
    this.#over = true;
    this.forget();
    this.#abort.abort();
  }
}

function batch(data: string): WireRecord[] {
  const { records } = JSON.parse(data) as { records?: WireRecord[] };
  return Array.isArray(records) ? records : [];
}
