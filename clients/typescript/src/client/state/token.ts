// The credential of one session: when it is good, when it must be fetched. Pure; times are Unix
// milliseconds, since tokens say so.

/** A token is not used in the last seconds of its life: a request takes a while to arrive. */
const MARGIN_MS = 30_000;
const MARGIN_SHARE = 0.1;

export class TokenState {
  #token: string | undefined;
  #expiresAt = Infinity;
  #refreshAt = Infinity;
  #rejected: string | undefined;

  /** The token to use, or `undefined`: fetch one. */
  current(now: number): string | undefined {
    return now < this.#refreshAt ? this.#token : undefined;
  }

  /** Even if it is about to expire: better than none while a fetch fails. */
  lastResort(now: number): string | undefined {
    return now < this.#expiresAt ? this.#token : undefined;
  }

  /** When a fresh one should be fetched, so that long reads go on. */
  get refreshAt(): number {
    return this.#refreshAt;
  }

  /** A token came, by a fetch or with a boundary. `expiresAt`: what the gateway says, if known. */
  take(token: string, now: number, expiresAt = expiryOf(token)): void {
    if (token === this.#rejected) return;
    this.#token = token;
    this.#expiresAt = expiresAt;
    const margin = Math.min(MARGIN_MS, Math.max(0, expiresAt - now) * MARGIN_SHARE);
    this.#refreshAt = expiresAt - margin;
  }

  /** The gateway refused `token`. Is there a newer one already? If not, fetch. */
  refused(token: string | undefined): boolean {
    if (token !== this.#token) return true;
    this.#rejected = token;
    this.#token = undefined;
    this.#refreshAt = Infinity;
    return false;
  }
}

/** `exp` of a JWT in milliseconds; Infinity for what has none, such as a secret key. */
export function expiryOf(token: string): number {
  const claims = token.split(".")[1];
  if (claims === undefined) return Infinity;
  try {
    const text = atob(claims.replaceAll("-", "+").replaceAll("_", "/"));
    const { exp } = JSON.parse(text) as { exp?: unknown };
    return typeof exp === "number" ? exp * 1000 : Infinity;
  } catch {
    return Infinity;
  }
}
