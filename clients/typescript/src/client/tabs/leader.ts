// The tab that has the connection: it reads and appends for the others as for itself.

import type { Read, ReadSink, Transport } from "../transports/seam.js";
import type { TransportName } from "../wire.js";
import { packEnd, packError } from "./errors.js";
import type { FromLeader, ToLeader } from "./messages.js";

export class Leader {
  readonly #reads = new Map<string, Map<number, Read>>();

  /** `send` reaches one tab; `gone` is called once, when that tab has ended. */
  constructor(
    private readonly transports: ReadonlyMap<TransportName, Transport>,
    private readonly send: (tab: string, message: FromLeader) => void,
    private readonly gone: (tab: string, then: () => void) => void,
  ) {}

  heard(message: ToLeader): void {
    switch (message.t) {
      case "hello": return;
      case "read": return this.#read(message);
      case "append": return this.#append(message);
      case "prove": return this.#prove(message);
      case "close":
        this.#find(message)?.close();
        return void this.#reads.get(message.tab)?.delete(message.n);
      case "probe": return this.#find(message)?.probe();
      case "taken": return this.#find(message)?.taken(message.seq, message.bytes);
    }
  }

  close(): void {
    for (const reads of this.#reads.values()) for (const read of reads.values()) read.close();
    this.#reads.clear();
  }

  #read({ tab, n, transport, request }: Extract<ToLeader, { t: "read" }>): void {
    const reads = this.#of(tab);
    const tell = (message: FromLeader) => this.send(tab, message);
    const sink: ReadSink = {
      opened: (from) => tell(from === undefined ? { t: "opened", n } : { t: "opened", n, from }),
      records: (records) => {
        tell({ t: "records", n, records });
        return undefined;
      },
      gap: (gap) => tell({ t: "gap", n, gap }),
      alive: (tail) => tell(tail === undefined ? { t: "alive", n } : { t: "alive", n, tail }),
      leaving: (afterMs) => tell({ t: "leaving", n, afterMs }),
      ended: (end) => {
        reads.delete(n);
        tell({ t: "ended", n, end: packEnd(end) });
      },
    };
    const read = this.transports.get(transport)?.read(request, sink);
    if (read !== undefined) reads.set(n, read);
  }

  #append({ tab, n, transport, request }: Extract<ToLeader, { t: "append" }>): void {
    this.transports.get(transport)?.append(request).then(
      (answer) => this.send(tab, { t: "appended", n, answer }),
      (error: unknown) => this.send(tab, { t: "failed", n, error: packError(error) }));
  }

  #prove({ tab, n, transport }: Extract<ToLeader, { t: "prove" }>): void {
    void this.transports.get(transport)?.prove().then(
      (works) => this.send(tab, { t: "proof", n, works }));
  }

  #of(tab: string): Map<number, Read> {
    let reads = this.#reads.get(tab);
    if (reads === undefined) {
      const made = new Map<number, Read>();
      this.#reads.set(tab, (reads = made));
      this.gone(tab, () => {
        for (const read of made.values()) read.close();
        this.#reads.delete(tab);
      });
    }
    return reads;
  }

  #find({ tab, n }: { tab: string; n: number }): Read | undefined {
    return this.#reads.get(tab)?.get(n);
  }
}
