// The driver of the link: a socket, a timer, and the pieces of work. Decisions are the machine's.

import { randomBytes } from "node:crypto";
import { EventEmitter } from "node:events";
import { WebSocket } from "ws";
import { FrameRefusedError, LinkError } from "./errors.js";
import { SUBPROTOCOL } from "./frames.js";
import type { Agent, Frame } from "./frames.js";
import { LinkMachine } from "./machine.js";
import type { Closed, Output } from "./machine.js";
import { refusedUpgrade } from "./refused.js";
import { Work } from "./work.js";

export interface LinkOptions {
  /** The gateway's address, `http://…` or `https://…`. */
  url: string;
  /** A secret key of the environment. */
  key: string;
  agents: Agent[];
  /** How many pieces of work may run at once. */
  capacity: number;
  /** Called for each piece of work. It must not throw; what it does runs beside the link. */
  onWork: (work: Work) => void;
}

export interface LinkEvents {
  up: [];
  down: [reason: string, retryMs: number];
}

const MAX_FRAME_BYTES = 64 * 1024 * 1024;
const HANDSHAKE_MS = 10_000;

export class Link extends EventEmitter<LinkEvents> {
  readonly worker: string;
  readonly #machine: LinkMachine;
  readonly #address: URL;
  readonly #works = new Map<string, Work>();
  #socket: WebSocket | undefined;
  #timer: NodeJS.Timeout | undefined;
  #pumping = false;
  readonly #ended: Promise<void>;
  #end!: (error?: LinkError) => void;

  constructor(private readonly options: LinkOptions) {
    super();
    this.worker = `w_${randomBytes(12).toString("hex")}`;
    this.#address = address(options.url, this.worker);
    const { agents, capacity } = options;
    this.#machine = new LinkMachine({ worker: this.worker, agents, capacity }, Math.random);
    this.#ended = new Promise((done, failed) => {
      this.#end = (error) => (error === undefined ? done() : failed(error));
    });
    // Whoever does not ask is not killed by a refusal.
    this.#ended.catch(() => undefined);
  }

  /** Connects, and resolves when the gateway took the registration. Rejects with LinkError. */
  async start(): Promise<void> {
    const up = new Promise<void>((done) => this.once("up", done));
    this.#machine.start();
    this.#pump();
    await Promise.race([up, this.#ended]);
  }

  /** Resolves when the link ended for good; rejects with LinkError if the gateway refused it. */
  ended(): Promise<void> {
    return this.#ended;
  }

  /** Takes no new work, and resolves when what it had is finished. */
  drain(): Promise<void> {
    this.#machine.drain(now());
    this.#pump();
    return this.#ended;
  }

  /** Says good-bye: what it holds is given to other workers at once. */
  async close(): Promise<void> {
    this.#machine.bye(now());
    this.#pump();
    await this.#ended;
  }

  #pump(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    try {
      let output: Output | undefined;
      while ((output = this.#machine.poll()) !== undefined) this.#perform(output);
    } finally {
      this.#pumping = false;
    }
    clearTimeout(this.#timer);
    const at = this.#machine.wakeAt();
    if (at === undefined || at === Infinity) return;
    this.#timer = setTimeout(() => this.#tick(), Math.max(0, Math.ceil(at - now())));
  }

  /** What came while this thread was busy is heard before anybody is called silent. */
  #tick(): void {
    setImmediate(() => {
      this.#machine.tick(now());
      this.#pump();
    });
  }

  #perform(output: Output): void {
    if ("do" in output) {
      if (output.do === "connect") this.#connect();
      else if (output.do === "send") this.#socket?.send(output.text);
      else this.#drop(output.code, output.reason);
      return;
    }
    if (output.tell === "up") this.emit("up");
    else if (output.tell === "down") this.emit("down", output.reason, output.retryMs);
    else if (output.tell === "ended") this.#end(output.error);
    else if (output.tell === "work") this.#begin(output.frame);
    else this.#tell(output);
  }

  #tell(output: Extract<Output, { id: string }>): void {
    const work = this.#works.get(output.id);
    if (work === undefined) return;
    if (output.tell === "frame") work.deliver(output.frame);
    else if (output.tell === "progress") work.progressed();
    else if (output.tell === "refused") {
      const { id, seq, code, message } = output;
      work.refused(new FrameRefusedError(id, seq, code, message));
    } else work.lose(output.reason);
    const over = output.tell === "progress" && this.#machine.over(output.id);
    if (over || output.tell === "lost") this.#works.delete(output.id);
  }

  #begin(frame: Frame & { id: string }): void {
    const work = new Work(frame, {
      submit: (id, sent) => {
        const placed = this.#machine.submit(id, sent, now());
        this.#pump();
        return placed;
      },
      settled: (id) => this.#machine.settled(id),
      frameMaxBytes: () => this.#machine.frameMaxBytes,
    });
    this.#works.set(work.id, work);
    this.options.onWork(work);
  }

  #connect(): void {
    const socket = new WebSocket(this.#address, [SUBPROTOCOL], {
      headers: { authorization: `Bearer ${this.options.key}` },
      handshakeTimeout: HANDSHAKE_MS,
      maxPayload: MAX_FRAME_BYTES,
      perMessageDeflate: false,
    });
    this.#socket = socket;
    const current = (act: () => void) => {
      if (this.#socket !== socket) return;
      act();
      this.#pump();
    };
    let error: Closed["error"];
    const closed = (why: Closed) =>
      current(() => {
        this.#socket = undefined;
        this.#machine.closed(error === undefined ? why : { error, ...why }, now());
      });
    socket.on("open", () => current(() => this.#machine.opened(now())));
    socket.on("message", (data) => current(() => this.#machine.received(String(data), now())));
    socket.on("error", (failure) => (error = { message: failure.message }));
    socket.on("close", (code) => closed({ code }));
    socket.on("unexpected-response", (request, response) => {
      void refusedUpgrade(response).then((why) => {
        closed(why);
        request.destroy();
      });
    });
  }

  #drop(code: number, reason: string): void {
    const socket = this.#socket;
    this.#socket = undefined;
    if (socket === undefined) return;
    if (socket.readyState !== WebSocket.OPEN) return socket.terminate();
    socket.close(code, reason);
    // A peer that is silent does not answer the close either.
    setTimeout(() => socket.terminate(), 1000).unref();
  }
}

function address(url: string, worker: string): URL {
  let parsed: URL;
  try {
    parsed = new URL(url);
  } catch {
    throw new LinkError("bad_url", `not a URL: ${url}`);
  }
  if (!/^(https?|wss?):$/.test(parsed.protocol)) {
    throw new LinkError("bad_url", `the gateway's URL must start with http:// or https://: ${url}`);
  }
  parsed.protocol = parsed.protocol.replace("http", "ws");
  parsed.pathname = `${parsed.pathname.replace(/\/$/, "")}/v1/agents/link`;
  // Balancers lead a worker that comes back to the gateway that holds its work (R-LNK-29).
  parsed.search = `?worker=${worker}`;
  parsed.hash = "";
  return parsed;
}

function now(): number {
  return performance.now();
}
