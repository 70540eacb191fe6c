// A real gateway, chats on it, and what every test of the client wants to know.

import { randomUUID } from "node:crypto";
import { after } from "node:test";
import { WebSocket } from "ws";
import { createClient } from "../../dist/client/index.js";
import { freePort, launch } from "../../../../tests/compat/harness.mjs";

export { freePort, launch };
export { runSeed, seeded } from "../../../../tests/compat/lib/seed.mjs";

/** What the demo agent says to `/words n`. */
export const words = (n) => Array.from({ length: n }, (_, i) => `word-${i + 1}`).join(" ");

export async function gateway(options) {
  const started = await launch(options);
  after(() => started.stop("SIGKILL"));
  return started;
}

export function client(gw, options = {}) {
  const made = createClient({ url: gw.url, token: gw.key, WebSocket, ...options });
  after(() => made.close());
  return made;
}

/** A new session of `agent`: its name and its token. */
export async function newSession(gw, agent = "steady") {
  const externalId = `ts-${randomUUID().slice(0, 8)}`;
  const response = await fetch(`${gw.url}/api/v1/sessions`, {
    method: "POST",
    headers: { authorization: `Bearer ${gw.key}`, "content-type": "application/json" },
    body: JSON.stringify({ type: "chat.agent", externalId, taskIdentifier: agent,
      triggerConfig: { basePayload: {} } }),
  });
  const { publicAccessToken } = await response.json();
  return { name: externalId, token: publicAccessToken };
}

/** The log of `.out` as a plain read shows it, up to its `turns`-th boundary. */
export async function canonical(gw, name, turns = 1) {
  const records = [];
  const abort = new AbortController();
  const response = await fetch(`${gw.url}/realtime/v1/sessions/${name}/out`, {
    headers: { authorization: `Bearer ${gw.key}`, "last-event-id": "" }, signal: abort.signal });
  let rest = "";
  for await (const bytes of response.body) {
    const lines = (rest + Buffer.from(bytes).toString()).split("\n");
    rest = lines.pop();
    for (const line of lines) {
      if (!line.startsWith("data: {\"records\"")) continue;
      records.push(...JSON.parse(line.slice(6)).records);
    }
    if (records.filter(isBoundary).length >= turns) break;
  }
  abort.abort();
  return records;
}

export const isBoundary = ({ headers }) =>
  headers.some(([name, value]) => name === "trigger-control" && value === "turn-complete");

/** A record without what is made for each delivery (R-VIEW-3). */
export const bare = ({ seq_num, timestamp, body, headers }) => ({ seq_num, timestamp, body,
  headers: headers.filter(([name]) => name !== "public-access-token") });

/** Reads events until `turns` boundaries came; `seen` is called with each. */
export async function untilTurns(subscription, turns = 1, seen = () => undefined) {
  const events = [];
  for await (const event of subscription) {
    events.push(event);
    seen(event, events);
    if (event.type === "turn-complete" && --turns === 0) break;
  }
  return events;
}

export const recordsOf = (events) => events.filter(({ record }) => record !== undefined)
  .map(({ record }) => bare(record));

export const textOf = (events) => events
  .filter(({ type, chunk }) => type === "chunk" && chunk.type === "text-delta")
  .map(({ chunk }) => chunk.delta).join("");
