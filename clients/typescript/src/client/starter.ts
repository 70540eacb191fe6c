// A session that is missing when something is said to it is created, once, and said to again.

import { TidegateError } from "./errors.js";
import type { Tokens } from "./tokens.js";

export type StartSession = (ask: { session: string }) => Promise<string | void> | string | void;

export class Starter {
  readonly #starts = new Map<string, Promise<void>>();

  constructor(private readonly start: StartSession | undefined, private readonly tokens: Tokens) {}

  async with<T>(session: string, act: () => Promise<T>): Promise<T> {
    try {
      return await act();
    } catch (error) {
      const missing = error instanceof TidegateError && error.code === "session_not_found";
      if (!missing || this.start === undefined) throw error;
      await this.#once(session, this.start);
      return act();
    }
  }

  #once(session: string, start: StartSession): Promise<void> {
    let starting = this.#starts.get(session);
    if (starting === undefined) {
      starting = (async () => {
        const token = await start({ session });
        if (typeof token === "string") this.tokens.offer(session, token);
      })().finally(() => this.#starts.delete(session));
      this.#starts.set(session, starting);
    }
    return starting;
  }
}
