// The credentials of all sessions: one fetch at a time for each, shared by all who wait.

import { TidegateError } from "./errors.js";
import { TokenState } from "./state/token.js";

/** Asked for a token. `refresh`: the last one is expired or was refused. */
export type TokenSource = string | ((ask: { session: string; refresh: boolean }) =>
  Promise<string> | string);

export class Tokens {
  readonly #states = new Map<string, TokenState>();
  readonly #fetches = new Map<string, Promise<string>>();

  constructor(private readonly source: TokenSource) {}

  /** The one credential of everything, where the application gave a string. */
  get fixed(): string | undefined {
    return typeof this.source === "string" ? this.source : undefined;
  }

  async get(session: string): Promise<string> {
    if (typeof this.source === "string") return this.source;
    const state = this.#state(session);
    const token = state.current(Date.now());
    if (token !== undefined) return token;
    try {
      return await this.#fetch(session, state.lastResort(Date.now()) !== undefined);
    } catch (error) {
      const old = state.lastResort(Date.now());
      if (old !== undefined) return old;
      throw error;
    }
  }

  /** `token` was refused. True: another one is at hand now, so ask once more. */
  async refresh(session: string, token: string | undefined): Promise<boolean> {
    if (typeof this.source === "string") return false;
    if (this.#state(session).refused(token)) return true;
    return (await this.#fetch(session, true)) !== token;
  }

  /** A fresh one, before the one at hand expires. */
  renew(session: string): Promise<string> {
    return typeof this.source === "string"
      ? Promise.resolve(this.source) : this.#fetch(session, true);
  }

  /** A token came by itself: with a boundary, or from the creation of the session. */
  offer(session: string, token: string): void {
    if (typeof this.source !== "string") this.#state(session).take(token, Date.now());
  }

  /** When the session's token should be fetched anew; Unix milliseconds. */
  refreshAt(session: string): number {
    return typeof this.source === "string" ? Infinity : this.#state(session).refreshAt;
  }

  #fetch(session: string, refresh: boolean): Promise<string> {
    const running = this.#fetches.get(session);
    if (running !== undefined) return running;
    const fetching = this.#ask(session, refresh).finally(() => this.#fetches.delete(session));
    this.#fetches.set(session, fetching);
    return fetching;
  }

  async #ask(session: string, refresh: boolean): Promise<string> {
    const source = this.source as Exclude<TokenSource, string>;
    let token: string;
    try {
      token = await source({ session, refresh });
    } catch (cause) {
      if (cause instanceof TidegateError) throw cause;
      const message = cause instanceof Error ? cause.message : String(cause);
      throw new TidegateError("no_token", `no token for ${session}: ${message}`,
        { retry: true, unsent: true, cause });
    }
    this.#state(session).take(token, Date.now());
    return token;
  }

  #state(session: string): TokenState {
    let state = this.#states.get(session);
    if (state === undefined) this.#states.set(session, (state = new TokenState()));
    return state;
  }
}
