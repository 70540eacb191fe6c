// The gateway's API, as any client uses it: the secret key makes a session and reads its inputs;
// a session token appends and follows.
import { events } from "./sse.js";

export class ApiError extends Error {
  constructor(status, message, code) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

export class Api {
  constructor(key) {
    this.key = key;
  }

  async agents() {
    return (await this.#json("GET", "/v1/agents")).agents;
  }

  /** Creates the session or finds it; answers its row with a fresh token. */
  createSession(agent, chatId) {
    return this.#json("POST", "/api/v1/sessions", {
      type: "chat.agent",
      externalId: chatId,
      taskIdentifier: agent,
      triggerConfig: {
        basePayload: { messages: [], trigger: "preload", chatId },
        tags: ["console"],
      },
      tags: ["console"],
    });
  }

  /** A token for one session, as a server would hand it to a browser. */
  async token(name) {
    const scopes = [`read:sessions:${name}`, `write:sessions:${name}`];
    return (
      await this.#json("POST", "/api/v1/auth/public-tokens", { scopes, expirationTime: "1h" })
    ).token;
  }

  retrieve(name) {
    return this.#json("GET", `/api/v1/sessions/${encodeURIComponent(name)}`);
  }

  list(after, externalId) {
    const query = new URLSearchParams({ "page[size]": "50" });
    if (after) query.set("page[after]", after);
    if (externalId) query.set("filter[externalId]", externalId);
    return this.#json("GET", `/api/v1/sessions?${query}`);
  }

  close(name) {
    return this.#json("POST", `/api/v1/sessions/${encodeURIComponent(name)}/close`, {
      reason: "closed in the console",
    });
  }

  /** The whole transcript as {messages, cursors}; empty if there is none. */
  async transcript(name) {
    try {
      return await this.#json(
        "GET",
        `/api/v1/sessions/${encodeURIComponent(name)}/transcript?limit=200`,
      );
    } catch (error) {
      if (error instanceof ApiError && error.status < 500) return { messages: [] };
      throw error;
    }
  }

  /** Inputs after `after`, oldest first, all pages. */
  async inputs(name, after) {
    const found = [];
    for (;;) {
      const query = after === undefined ? "" : `?afterEventId=${after}`;
      const path = `/realtime/v1/sessions/${encodeURIComponent(name)}/in/records${query}`;
      const { records } = await this.#json("GET", path);
      if (!records?.length) return found;
      found.push(...records);
      after = records[records.length - 1].seqNum;
    }
  }

  /** Appends one input; answers its seq. Repeats are recognised by `partId`. */
  async append(name, token, body, partId = crypto.randomUUID?.() ?? String(Math.random())) {
    const path = `/realtime/v1/sessions/${encodeURIComponent(name)}/in/append`;
    const headers = { "x-part-id": partId };
    return (await this.#json("POST", path, body, token, headers)).seq;
  }

  /**
   * Follows `.out` after `after` until the signal aborts: reads on with the cursor after every
   * disconnect. `on.records(records)` gets each batch, `on.link(text)` says how the connection is.
   */
  async follow(name, token, after, on, signal) {
    let cursor = after;
    let wait = 500;
    while (!signal.aborted) {
      try {
        const response = await this.#open(name, token(), cursor, signal);
        on.link("live");
        for await (const event of events(response)) {
          if (event.event === "error") throw new Error(event.data);
          if (event.event !== "batch") continue;
          const { records } = JSON.parse(event.data);
          if (!records.length) continue;
          cursor = records[records.length - 1].seq_num;
          wait = 500;
          on.records(records);
        }
      } catch (error) {
        if (signal.aborted) return;
        if (error.status === 401 || error.status === 403) {
          await on.refresh();
        } else if (error instanceof ApiError && error.status < 429) {
          throw error;
        }
        on.link("reconnecting…");
        await pause(wait, signal);
        wait = Math.min(wait * 2, 5000);
      }
    }
  }

  async #open(name, token, cursor, signal) {
    const headers = {
      accept: "text/event-stream",
      authorization: `Bearer ${token}`,
      "timeout-seconds": "120",
    };
    if (cursor !== undefined && cursor !== null) headers["last-event-id"] = String(cursor);
    const path = `/realtime/v1/sessions/${encodeURIComponent(name)}/out`;
    const response = await fetch(path, { headers, signal, cache: "no-store" });
    if (!response.ok) throw await failure(response);
    return response;
  }

  async #json(method, path, body, token = this.key, more = {}) {
    const headers = { authorization: `Bearer ${token}`, ...more };
    if (body !== undefined) headers["content-type"] = "application/json";
    const text = body === undefined ? undefined : JSON.stringify(body);
    const response = await fetch(path, { method, headers, body: text, cache: "no-store" });
    if (!response.ok) throw await failure(response);
    return response.json();
  }
}

async function failure(response) {
  const text = await response.text().catch(() => "");
  let error = text;
  let code;
  try {
    const body = JSON.parse(text);
    error = body.error?.message ?? body.error ?? text;
    code = body.code ?? body.error?.code;
  } catch {}
  return new ApiError(response.status, String(error || `status ${response.status}`), code);
}

function pause(ms, signal) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => (clearTimeout(timer), resolve()), { once: true });
  });
}
