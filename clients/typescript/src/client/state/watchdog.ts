// Does a live read still make progress? Pure: times come in, verdicts come out.

export interface WatchdogLimits {
  /** Silence, while a turn runs, after which the path is probed. */
  quietMs: number;
  /** How long an answer to the probe, or records that are known to exist, may take. */
  answerMs: number;
  /** Silence, while nothing runs, after which the path is probed: the gateway pings every 10 s. */
  idleMs: number;
}

export const WATCHDOG: WatchdogLimits = { quietMs: 1000, answerMs: 1500, idleMs: 15_000 };

export type Verdict = "probe" | "stalled" | undefined;

export class Watchdog {
  #heardAt: number;
  #probedAt: number | undefined;
  #behindSince: number | undefined;
  #tail = 0;
  #quietMs: number;

  constructor(now: number, private readonly limits: WatchdogLimits = WATCHDOG) {
    this.#heardAt = now;
    this.#quietMs = limits.quietMs;
  }

  /** Anything came: the path is open. */
  heard(now: number): void {
    this.#heardAt = now;
    this.#probedAt = undefined;
  }

  /** Records came, up to `cursor`. */
  progressed(cursor: number, now: number): void {
    this.heard(now);
    this.#quietMs = this.limits.quietMs;
    this.#behindSince = this.#tail > cursor + 1 ? now : undefined;
  }

  /** The next record of the stream will get the seq `tail`. */
  tail(tail: number, cursor: number | undefined, now: number): void {
    this.heard(now);
    this.#tail = Math.max(this.#tail, tail);
    if (cursor === undefined ? tail === 0 : tail <= cursor + 1) this.#behindSince = undefined;
    else this.#behindSince ??= now;
  }

  /** Something may have happened to the path: a probe is on its way. */
  suspect(now: number): void {
    this.#probedAt ??= now;
  }

  /** What did not come until now says nothing about the path. */
  excuse(now: number): void {
    this.heard(now);
    if (this.#behindSince !== undefined) this.#behindSince = now;
  }

  /** `costly`: probes are requests of their own, so they become rarer as long as all is well. */
  tick(now: number, running: boolean, costly: boolean): Verdict {
    const due = this.wakeAt(running);
    if (now < due) return undefined;
    // A timer that comes late (a page in the background, a laptop that slept) has heard nothing
    // because nobody listened: that proves nothing.
    const late = now - due > this.limits.answerMs;
    if (this.#probedAt !== undefined && now >= this.#probedAt + this.limits.answerMs) {
      if (!late) return "stalled";
    } else if (this.#behindSince !== undefined && now >= this.#behindSince + this.limits.answerMs) {
      if (!late) return "stalled";
      this.#behindSince = now;
    } else if (costly) {
      this.#quietMs = Math.min(this.#quietMs * 2, 8 * this.limits.quietMs);
    }
    this.#probedAt = now;
    return "probe";
  }

  wakeAt(running: boolean): number {
    const { answerMs, idleMs } = this.limits;
    const probe = this.#probedAt === undefined
      ? this.#heardAt + (running ? this.#quietMs : idleMs)
      : this.#probedAt + answerMs;
    const behind = this.#behindSince === undefined ? Infinity : this.#behindSince + answerMs;
    return Math.min(probe, behind);
  }
}
