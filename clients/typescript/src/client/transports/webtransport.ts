// WebTransport under the duplex binding: a control stream, and a stream for each subscription
// (R-DPX-3). Experimental: some browsers stall, which the watchdog notices.

import type { Dial, SocketEvents } from "./connection.js";

export interface WebTransportOptions {
  /** For a gateway with a short-lived certificate of its own: SHA-256 of its DER. */
  serverCertificateHashes?: { algorithm: "sha-256"; value: BufferSource }[];
}

export type WebTransportMaker = new (url: string, options?: WebTransportOptions) => WebTransport;

export function dialWebTransport(url: string, Maker: WebTransportMaker,
  options: WebTransportOptions): Dial {
  return (events) => {
    const session = new Maker(`${url}/v1/connect`, options);
    const carrier = new Carrier(session, events);
    void carrier.run();
    return carrier;
  };
}

class Carrier {
  #writer: WritableStreamDefaultWriter<Uint8Array> | undefined;
  #over = false;
  readonly #text = new TextEncoder();

  constructor(private readonly session: WebTransport, private readonly events: SocketEvents) {}

  async run(): Promise<void> {
    this.session.closed.then(
      (info) => this.#end(info.closeCode, info.reason), () => this.#end());
    try {
      await this.session.ready;
      const control = await this.session.createBidirectionalStream();
      this.#writer = control.writable.getWriter() as WritableStreamDefaultWriter<Uint8Array>;
      this.events.opened();
      this.#lines(control.readable).catch(() => undefined).finally(() => this.close(1000));
      await this.#subscriptions();
    } catch {
      this.close(1000);
    }
  }

  send(text: string): void {
    // The transport keeps what does not fit; a connection that takes nothing answers no pings.
    this.#writer?.write(this.#text.encode(`${text}\n`)).catch(() => this.close(1000));
  }

  close(code: number): void {
    if (this.#over) return;
    this.#end(code);
    try {
      this.session.close({ closeCode: code });
    } catch {
      // It was never open.
    }
  }

  async #subscriptions(): Promise<void> {
    const reader = this.session.incomingUnidirectionalStreams.getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      this.#lines(value as ReadableStream<Uint8Array>).catch(() => undefined);
    }
  }

  async #lines(stream: ReadableStream<Uint8Array>): Promise<void> {
    const reader = stream.getReader();
    const text = new TextDecoder();
    let rest = "";
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const lines = (rest + text.decode(value, { stream: true })).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) {
        if (!this.#over && line !== "") this.events.received(line);
      }
    }
  }

  #end(code?: number, reason?: string): void {
    if (this.#over) return;
    this.#over = true;
    this.events.closed({ ...(code === undefined ? {} : { code }),
      ...(reason === undefined ? {} : { reason }) });
  }
}
