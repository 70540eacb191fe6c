// Requests to the gateway's HTTP binding (spec/v1/sessions.md, streams.md).

/** A refusal of the gateway. */
export class GatewayError extends Error {
  override name = "GatewayError";
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

const TRIES = 5;
const FIRST_WAIT_MS = 100;

export class Gateway {
  readonly url: string;
  readonly #key: string;

  constructor(url: string, key: string) {
    this.url = url.replace(/\/$/, "");
    this.#key = key;
  }

  /** One request with the secret key, or with `token`. Rejects where fetch does. */
  fetch(path: string, init: RequestInit & { token?: string } = {}): Promise<Response> {
    const { token = this.#key, ...rest } = init;
    const headers = new Headers(rest.headers);
    headers.set("authorization", `Bearer ${token}`);
    if (rest.body !== undefined) headers.set("content-type", "application/json");
    return fetch(`${this.url}${path}`, { ...rest, headers });
  }

  /**
   * A request that may be repeated: it is, while the gateway can't be reached or is too busy.
   * Rejects with GatewayError where the gateway refuses it.
   */
  async json<T>(path: string, init: RequestInit & { token?: string } = {}): Promise<T> {
    for (let tries = 1; ; tries += 1) {
      const outcome = await this.#try<T>(path, init);
      if ("value" in outcome) return outcome.value;
      const final = tries === TRIES || init.signal?.aborted === true;
      if (final || !outcome.again) throw outcome.error;
      await new Promise((done) => setTimeout(done, FIRST_WAIT_MS * 2 ** tries));
    }
  }

  async #try<T>(
    path: string,
    init: RequestInit & { token?: string },
  ): Promise<{ value: T } | { error: unknown; again: boolean }> {
    try {
      const response = await this.fetch(path, init);
      if (response.ok) return { value: (await response.json()) as T };
      const again = response.status >= 500 || response.status === 429;
      return { error: await refusal(response), again };
    } catch (error) {
      return { error, again: true };
    }
  }
}

/** What a response that is not ok says. */
export async function refusal(response: Response): Promise<GatewayError> {
  const text = await response.text().catch(() => "");
  let said: { code?: string; error?: string } = {};
  try {
    said = JSON.parse(text) as typeof said;
  } catch {
    // Not from the gateway itself.
  }
  const message = said.error ?? `the gateway answers ${response.status}`;
  return new GatewayError(response.status, said.code ?? "unknown", message);
}
