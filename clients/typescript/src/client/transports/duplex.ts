// A duplex transport: one connection that all sessions of the client share, made when it is needed.

import { TidegateError, isCredential } from "../errors.js";
import { Backoff } from "../state/backoff.js";
import type { Tokens } from "../tokens.js";
import type { Appended, TransportName } from "../wire.js";
import { Connection } from "./connection.js";
import type { Dial } from "./connection.js";
import type { AppendRequest, Read, ReadEnd, ReadRequest, ReadSink, Transport } from "./seam.js";

/** What was taken is acknowledged when it is so much, or after so long (R-DPX-19). */
const ACK_BYTES = 1 << 18;
const ACK_MS = 500;
const PROOF_MS = 5000;

export class DuplexTransport implements Transport {
  readonly exact = true;
  readonly costly = false;
  #connection: Connection | undefined;
  #waiting: Promise<Connection> | undefined;
  #closed = false;
  readonly #leaving = new Set<Connection>();
  readonly #backoff: Backoff;

  constructor(readonly name: TransportName, private readonly dial: Dial,
    private readonly tokens: Tokens, random: () => number) {
    this.#backoff = new Backoff(random);
  }

  get ready(): boolean {
    return this.#connection?.up === true;
  }

  read(request: ReadRequest, sink: ReadSink): Read {
    const read = new DuplexRead(sink);
    this.#open(request, read).catch((error: TidegateError) => {
      const token = (error as { token?: string }).token;
      if (error.retry) read.ended({ why: "cut", error });
      else read.ended({ why: "refused", error, token });
    });
    return read;
  }

  async append(request: AppendRequest): Promise<Appended> {
    for (let again = false; ; again = true) {
      const token = request.token ?? await this.tokens.get(request.session);
      const connection = await this.#connected();
      try {
        return await connection.append(request, token);
      } catch (error) {
        const typed = error as TidegateError;
        if (again || request.token !== undefined || !isCredential(typed)) throw typed;
        if (!(await this.tokens.refresh(request.session, token))) throw typed;
      }
    }
  }

  /** Welcomed, and a ping comes back: frames pass in both directions. */
  async prove(): Promise<boolean> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<boolean>((done) => (timer = setTimeout(() => done(false), PROOF_MS)));
    const proof = this.#connected().then((connection) => connection.pong()).then(() => true,
      () => false);
    try {
      return await Promise.race([proof, late]);
    } finally {
      clearTimeout(timer);
    }
  }

  suspend(): void {
    this.#connection?.close();
    for (const connection of [...this.#leaving]) connection.close();
  }

  close(): void {
    this.#closed = true;
    this.suspend();
  }

  async #open(request: ReadRequest, read: DuplexRead): Promise<void> {
    const token = request.token ?? await this.tokens.get(request.session);
    const connection = await this.#connected();
    if (read.over) return;
    read.begin(connection, connection.read(request, token, read.sink));
  }

  /** The connection, once the gateway has welcomed it. */
  #connected(): Promise<Connection> {
    const current = this.#connection;
    if (current?.up === true) return Promise.resolve(current);
    this.#waiting ??= this.#connect().finally(() => (this.#waiting = undefined));
    return this.#waiting;
  }

  async #connect(): Promise<Connection> {
    if (this.#closed) throw new TidegateError("client_closed", "the client is closed");
    const connection: Connection = new Connection(this.dial, this.tokens.fixed, {
      down: () => this.#forget(connection),
      goaway: () => {
        this.#leaving.add(connection);
        if (this.#connection === connection) this.#connection = undefined;
      },
      expiring: (session) => void this.tokens.renew(session).then(
        (token) => connection.renew(session, token), () => undefined),
    });
    this.#connection = connection;
    try {
      await connection.ready;
      this.#backoff.reset();
      return connection;
    } catch (error) {
      // Everybody who waits for this one comes back by itself: let them come back late enough.
      await new Promise((later) => setTimeout(later, this.#backoff.next()));
      throw error;
    }
  }

  #forget(connection: Connection): void {
    this.#leaving.delete(connection);
    if (this.#connection === connection) this.#connection = undefined;
  }
}

class DuplexRead implements Read {
  over = false;
  #connection: Connection | undefined;
  #key = 0;
  #taken = { seq: -1, bytes: 0 };
  #timer: ReturnType<typeof setTimeout> | undefined;
  readonly sink: ReadSink;

  constructor(private readonly to: ReadSink) {
    this.sink = { ...to, ended: (end) => this.ended(end) };
  }

  begin(connection: Connection, key: number): void {
    this.#connection = connection;
    this.#key = key;
  }

  ended(end: ReadEnd): void {
    if (this.over) return;
    this.#finish();
    this.to.ended(end);
  }

  probe(): void {
    if (!this.over) this.#connection?.ping();
  }

  taken(seq: number, bytes: number): void {
    if (this.over) return;
    this.#taken = { seq, bytes: this.#taken.bytes + bytes };
    if (this.#taken.bytes >= ACK_BYTES) this.#ack();
    else this.#timer ??= setTimeout(() => this.#ack(), ACK_MS);
  }

  close(): void {
    if (this.over) return;
    this.#finish();
    this.#connection?.leave(this.#key);
  }

  #ack(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#connection?.taken(this.#key, this.#taken.seq);
    this.#taken.bytes = 0;
  }

  #finish(): void {
    this.over = true;
    clearTimeout(this.#timer);
  }
}
