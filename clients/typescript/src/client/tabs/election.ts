// Which tab has the connection: the one that holds a lock of the browser. The browser itself gives
// it on when that tab is closed, crashes or is discarded; one that is frozen loses it to a tab that
// gets no answer from it.

import type { FromLeader, ToLeader } from "./messages.js";

export interface ElectionEvents {
  /** This tab leads from now on. */
  lead(): void;
  /** It does not any more. */
  resign(): void;
  /** Another tab leads: what the former one did for us is over. */
  follow(leader: string): void;
  asked(message: ToLeader): void;
  told(message: FromLeader): void;
}

/**
 * A leader that says nothing for so long, although asked, is frozen. Sooner than a read is called
 * stalled, and not at the same moment in each tab.
 */
const FROZEN_MS = 800;
const FROZEN_SPREAD_MS = 500;

export class Election {
  readonly tab = crypto.randomUUID();
  #leader: string | undefined;
  #up: BroadcastChannel | undefined;
  #down: BroadcastChannel | undefined;
  #all: BroadcastChannel | undefined;
  #abort = new AbortController();
  #release: (() => void) | undefined;
  #frozen: ReturnType<typeof setTimeout> | undefined;
  /** The ways to tabs that this one leads. */
  readonly #tabs = new Map<string, BroadcastChannel>();

  constructor(private readonly key: string, private readonly locks: LockManager,
    private readonly events: ElectionEvents) {}

  get leads(): boolean {
    return this.#leader === this.tab;
  }

  /** Who leads; undefined while that is not known. */
  get leader(): string | undefined {
    return this.#leader;
  }

  enter(): void {
    if (this.#up !== undefined) return;
    this.#abort = new AbortController();
    this.#up = new BroadcastChannel(`${this.key}:up`);
    this.#down = new BroadcastChannel(`${this.key}:${this.tab}`);
    this.#all = new BroadcastChannel(`${this.key}:all`);
    this.#up.onmessage = ({ data }: MessageEvent<ToLeader>) => this.#asked(data);
    this.#down.onmessage = ({ data }: MessageEvent<FromLeader>) => this.#told(data);
    this.#all.onmessage = ({ data }: MessageEvent<FromLeader>) => this.#told(data);
    // Others see by this one when we are gone.
    const own = { signal: this.#abort.signal };
    void this.locks.request(this.#lockOf(this.tab), own, () => this.#until())
      .catch(() => undefined);
    this.#stand({ signal: this.#abort.signal });
    this.ask({ t: "hello", tab: this.tab });
  }

  /** Leaves everything to the others. */
  leave(): void {
    if (this.#up === undefined) return;
    if (this.leads) this.#all?.postMessage({ t: "resign", leader: this.tab });
    this.#abort.abort();
    this.#release?.();
    clearTimeout(this.#frozen);
    this.#frozen = undefined;
    for (const channel of [this.#up, this.#down, this.#all]) channel?.close();
    this.#up = this.#down = this.#all = undefined;
    this.#resigned();
    this.#leader = undefined;
  }

  /** Says something to the leader, who must show that it is awake. */
  ask(message: ToLeader): void {
    this.#up?.postMessage(message);
    if (this.leads || message.t === "taken" || message.t === "close") return;
    this.#frozen ??= setTimeout(() => this.#steal(),
      FROZEN_MS + Math.random() * FROZEN_SPREAD_MS);
  }

  tell(tab: string, message: FromLeader): void {
    let channel = this.#tabs.get(tab);
    if (channel === undefined) {
      channel = new BroadcastChannel(`${this.key}:${tab}`);
      this.#tabs.set(tab, channel);
      this.gone(tab, () => this.#forget(tab));
    }
    channel.postMessage(message);
  }

  /** Calls `then` when the tab is gone. */
  gone(tab: string, then: () => void): void {
    void this.locks.request(this.#lockOf(tab), { signal: this.#abort.signal }, then)
      .catch(() => undefined);
  }

  #forget(tab: string): void {
    this.#tabs.get(tab)?.close();
    this.#tabs.delete(tab);
  }

  #lockOf(tab: string): string {
    return `${this.key}:tab:${tab}`;
  }

  #stand(options: LockOptions): void {
    void this.locks.request(`${this.key}:lead`, options, () => {
      if (this.#up === undefined) return Promise.resolve();
      return new Promise<void>((release) => {
        this.#release = release;
        this.#leads();
      });
    }).catch(() => undefined).then(() => {
      this.#resigned();
      // Another tab took it because this one was frozen: stand in line again.
      if (this.#up !== undefined) this.#stand({ signal: this.#abort.signal });
    });
  }

  #steal(): void {
    this.#frozen = undefined;
    if (this.leads || this.#up === undefined) return;
    this.#stand({ steal: true });
  }

  #leads(): void {
    clearTimeout(this.#frozen);
    this.#frozen = undefined;
    this.#leader = this.tab;
    this.#all?.postMessage({ t: "lead", leader: this.tab });
    this.events.lead();
  }

  #resigned(): void {
    if (!this.leads) return;
    this.#leader = undefined;
    for (const tab of [...this.#tabs.keys()]) this.#forget(tab);
    this.events.resign();
  }

  #asked(message: ToLeader): void {
    if (!this.leads) return;
    if (message.t !== "taken" && message.t !== "close") {
      this.tell(message.tab, { t: "lead", leader: this.tab });
    }
    this.events.asked(message);
  }

  #told(message: FromLeader): void {
    clearTimeout(this.#frozen);
    this.#frozen = undefined;
    if (message.t === "lead") {
      if (message.leader === this.#leader || this.leads) return;
      this.#leader = message.leader;
      this.events.follow(message.leader);
    } else if (message.t === "resign") {
      if (message.leader !== this.#leader) return;
      this.#leader = undefined;
      this.events.follow("");
    } else this.events.told(message);
  }

  #until(): Promise<void> {
    return new Promise((done) =>
      this.#abort.signal.addEventListener("abort", () => done(), { once: true }));
  }
}
