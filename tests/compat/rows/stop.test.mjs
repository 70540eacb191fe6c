// Rows 10–12 and 17: stopping, the supersede gate, several tabs.

import assert from "node:assert/strict";
import { gateway } from "../harness.mjs";
import {
  ask, deltas, echo, newChat, newTransport, readUntil, rest, send, textOf,
} from "../lib/chats.mjs";
import { row } from "../lib/row.mjs";
import { configure, isOldest } from "../lib/sdk.mjs";
import { boundaries, eventually, records, settled } from "../lib/wire.mjs";

const gw = await gateway();
configure({ baseURL: gw.url, secretKey: gw.key });

const LONG = "/words 2000 20";

/** A long answer that has begun. */
async function begun(options) {
  const chat = newChat("stop");
  const made = newTransport(gw, { agent: "steady" });
  const stream = await send(made.transport, chat, LONG, options);
  const { chunks, reader } = await readUntil(stream, (read) => deltas(read) >= 3);
  return { chat, chunks, reader, ...made };
}

/** The one boundary of a stopped first turn covers its input and no later one. */
async function oneBoundary(chat) {
  const found = await settled(gw, chat, 1);
  assert.equal(found.length, 1);
  const [message, stop] = await records(gw, chat, "in");
  assert.ok(found[0].input >= message.seqNum && found[0].input <= stop.seqNum);
  return found[0];
}

row(10, {}, async () => {
  const { chat, reader, transport } = await begun();
  assert.equal(await transport.stopGeneration(chat), true);
  assert.ok(deltas(await rest(reader)) < 500, "the stream must end early");
  const boundary = await oneBoundary(chat);
  assert.equal(transport.getSession(chat).isStreaming, false);
  const next = isOldest ? reloaded(transport, chat, boundary) : transport;
  assert.equal(textOf(await ask(next, chat, "next")), echo("next"));
  assert.equal((await boundaries(gw, chat)).length, 2);
});

/**
 * The oldest SDK knows a turn's end by order alone: it swallows the turn after a stop when the
 * stop's boundary comes before the answer to its append, and takes that boundary for the next
 * turn's when it comes later. A page that is loaded again behind the boundary meets neither.
 */
function reloaded(transport, chat, boundary) {
  const session = { ...transport.getSession(chat), lastEventId: String(boundary.seq) };
  return newTransport(gw, { sessions: { [chat]: session } }).transport;
}

row(11, {}, async () => {
  const abort = new AbortController();
  const { chat, reader, transport } = await begun({ abortSignal: abort.signal });
  abort.abort();
  await rest(reader);
  await eventually(async () => (await records(gw, chat, "in")).length === 2, "the stop append");
  await oneBoundary(chat);
  assert.equal(textOf(await ask(transport, chat, "next")), echo("next"));
});

row(12, { na45: "clearSupersedeGate" }, async () => {
  const { chat, reader, transport } = await begun();
  await transport.stopGeneration(chat);
  await rest(reader);
  await oneBoundary(chat);
  transport.clearSupersedeGate(chat);
  const text = textOf(await ask(transport, chat, "next"));
  assert.ok(text.endsWith(echo("next")), text);
});

row(17, {}, async () => {
  const chat = newChat("tabs");
  const first = newTransport(gw, { agent: "steady", multiTab: true });
  const second = newTransport(gw, { agent: "steady", multiTab: true });
  try {
    await second.transport.start(chat);
    const stream = await send(first.transport, chat, "/words 300 20");
    await eventually(() => second.transport.isReadOnly(chat), "the claim in the other tab");
    await assert.rejects(ask(second.transport, chat, "me too"), /another tab/);
    const { reader } = await readUntil(stream, (read) => deltas(read) >= 300);
    await rest(reader);
    await eventually(() => !second.transport.isReadOnly(chat), "the release in the other tab");
    assert.equal(textOf(await ask(second.transport, chat, "now me")), echo("now me"));
  } finally {
    first.transport.dispose();
    second.transport.dispose();
  }
});
