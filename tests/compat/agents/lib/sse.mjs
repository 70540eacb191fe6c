// A stream as raw server-sent events.

import { call } from "../../lib/wire.mjs";

/** Opens `.out` (or another channel) of a session; `events` yields `{event, data, id}`. */
export async function open(gw, chat, { io = "out", headers = {}, bearer, signal } = {}) {
  const path = `/realtime/v1/sessions/${encodeURIComponent(chat)}/${io}`;
  const answer = await call(gw, path, { bearer, signal,
    headers: { accept: "text/event-stream", ...headers } });
  return { answer, events: parse(answer.body) };
}

async function* parse(body) {
  let pending = "";
  for await (const text of body.pipeThrough(new TextDecoderStream())) {
    pending += text;
    const blocks = pending.split("\n\n");
    pending = blocks.pop();
    for (const block of blocks) yield parseEvent(block);
  }
}

function parseEvent(block) {
  const event = { event: "message", data: "" };
  for (const line of block.split("\n")) {
    const [, name, value] = line.match(/^([^:]*): ?(.*)$/) ?? [];
    if (name === "data") event.data += value;
    else if (name) event[name] = value;
  }
  return event;
}

/** Every record of a stream's batches, in order, until it ends or `done(records)`. */
export async function recordsOf(events, done = () => false) {
  const found = [];
  for await (const { event, data } of events) {
    if (event === "batch") found.push(...JSON.parse(data).records);
    if (done(found)) break;
  }
  return found;
}

/** The chunk in a record, or undefined. */
export const chunkOf = ({ body }) => {
  try {
    return JSON.parse(body).data;
  } catch {
    return undefined;
  }
};

/** True for a turn's boundary. */
export const isBoundary = ({ headers }) => headers?.some(([name, value]) =>
  name === "trigger-control" && value === "turn-complete") ?? false;
