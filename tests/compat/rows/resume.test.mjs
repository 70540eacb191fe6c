// Rows 13–16 and 25–29: reconnecting, watching, drops, windows, hydration, cursors.

import assert from "node:assert/strict";
import { gateway } from "../harness.mjs";
import {
  all, ask, deltas, echo, newChat, newTransport, readUntil, rest, send, textOf, words,
} from "../lib/chats.mjs";
import { proxy } from "../lib/proxy.mjs";
import { row } from "../lib/row.mjs";
import { chat as helpers, configure, defaultStorage, isOldest } from "../lib/sdk.mjs";
import { eventually, settled } from "../lib/wire.mjs";

const gw = await gateway();
configure({ baseURL: gw.url, secretKey: gw.key });

row(13, {}, async () => {
  const chat = newChat();
  const first = newTransport(gw);
  await ask(first.transport, chat, "hi");
  const state = first.transport.getSession(chat);
  const hydrated = { ...state, isStreaming: undefined, activeInputSeq: undefined };
  const second = newTransport(gw, { sessions: { [chat]: hydrated } });
  const stream = await second.transport.reconnectToStream({ chatId: chat });
  assert.deepEqual(await all(stream), []);
  const [out] = second.wire.of("out");
  assert.equal(out.headers["x-peek-settled"], "1");
  assert.equal(out.answer["x-session-settled"], "true");
  assert.equal(second.wire.requests.length, 1);

  const start = { ...hydrated, lastEventId: undefined };
  const behind = newTransport(gw, { sessions: { [chat]: start } });
  const replay = await all(await behind.transport.reconnectToStream({ chatId: chat }));
  assert.equal(textOf(replay), echo("hi"), "what lies after the cursor is delivered");
});

/** A long answer in the middle, and the state that a page would have persisted. */
async function midTurn(command) {
  const chat = newChat();
  const first = newTransport(gw, { agent: "steady" });
  const stream = await send(first.transport, chat, command);
  const { chunks, reader } = await readUntil(stream, (read) => deltas(read) >= 5);
  const [, state] = first.changes.at(-1);
  return { chat, chunks, reader, state };
}

row(14, {}, async () => {
  const { chat, reader, chunks, state } = await midTurn("/words 250 20");
  const persisted = { ...state, activeInputSeq: undefined };
  const second = newTransport(gw, { sessions: { [chat]: persisted } });
  const replay = await all(await second.transport.reconnectToStream({ chatId: chat }));
  const [out] = second.wire.of("out");
  assert.equal(out.headers["x-peek-settled"], "1");
  assert.equal(out.answer["x-session-settled"], undefined);
  assert.equal(textOf(replay), words(250), "the whole turn is replayed");
  assert.deepEqual([...chunks, ...(await rest(reader))], replay);
});

row(15, { na45: "activeInputSeq" }, async () => {
  const { chat, state } = await midTurn("/words 250 20");
  assert.equal(typeof state.activeInputSeq, "number");
  const second = newTransport(gw, { sessions: { [chat]: state } });
  const replay = await all(await second.transport.reconnectToStream({ chatId: chat }));
  assert.equal(second.wire.of("out")[0].headers["x-peek-settled"], undefined);
  assert.equal(textOf(replay), words(250));
  assert.equal(second.transport.getSession(chat).isStreaming, false);
});

row(16, { na45: "a watch over several windows" }, async () => {
  const chat = newChat();
  const talker = newTransport(gw);
  await talker.transport.start(chat);
  const watchToken = await helpers.createWatchToken(chat);
  const watcher = newTransport(gw, { watch: true, streamTimeoutSeconds: 1,
    sessions: { [chat]: { publicAccessToken: watchToken } } });
  const abort = new AbortController();
  const stream = await watcher.transport.reconnectToStream({ chatId: chat,
    abortSignal: abort.signal });
  await ask(talker.transport, chat, "one");
  await ask(talker.transport, chat, "/wait 2500 two");
  const wanted = `${echo("one")}That was worth the wait. ${echo("two")}`;
  const { chunks } = await readUntil(stream, (read) => textOf(read).length >= wanted.length);
  assert.equal(textOf(chunks), wanted);
  const windows = watcher.wire.of("out");
  assert.ok(windows.length >= 2, "the watch lasts over several windows");
  await eventually(() => windows.every(({ answer }) => answer), "the answer to the last window");
  for (const { headers, answer } of windows) {
    assert.equal(headers["x-peek-settled"], undefined);
    assert.equal(answer["x-session-settled"], undefined);
  }
  abort.abort();
});

row(25, {}, async () => {
  const between = await proxy(gw.port);
  try {
    const chat = newChat();
    const { transport, wire } = newTransport(gw, { agent: "steady", baseURL: between.url });
    const stream = await send(transport, chat, "/words 400 20");
    const { chunks, reader } = await readUntil(stream, (read) => deltas(read) >= 10);
    await between.drop();
    const more = await readUntil(unlocked(reader), (read) => deltas(read) >= 30);
    // What was read may have come before the cut; the next one needs a connection.
    await eventually(() => wire.of("out")[1]?.status, "the second connection");
    await between.drop();
    const whole = [...chunks, ...more.chunks, ...(await rest(more.reader))];
    assert.equal(textOf(whole), words(400), "nothing lost, nothing twice");
    assert.ok(wire.of("out").length >= 3);
    assert.equal(whole.filter(({ type }) => type === "start").length, 1);
  } finally {
    await between.close();
  }
});

/** A stream-like around a reader that is already held. */
const unlocked = (reader) => ({ getReader: () => reader });

row(26, { na45: "resubscribing after a window" }, async () => {
  const chat = newChat();
  const { transport, wire } = newTransport(gw, { streamTimeoutSeconds: 1 });
  const began = performance.now();
  const text = textOf(await ask(transport, chat, "/wait 2500 hello"));
  assert.equal(text, `That was worth the wait. ${echo("hello")}`);
  const windows = wire.of("out");
  // Each but the last is as long as it was asked to be, however slow the machine is.
  const most = Math.floor((performance.now() - began) / 1_000) + 2;
  assert.ok(windows.length >= 2 && windows.length <= most, `${windows.length} windows, ${most}`);
});

row(27, { na45: "event: error" }, async () => {
  const chat = newChat();
  const made = newTransport(gw, { agent: "steady" });
  let broken = 0;
  made.transport.setFetch(async (url, init, context) => {
    const answer = await made.wire.fetch(url, init, context);
    if (context.endpoint !== "out" || broken > 0) return answer;
    broken += 1;
    return new Response(withErrorEvent(answer.body, 5), answer);
  });
  const chunks = await ask(made.transport, chat, "/words 250 20");
  assert.equal(broken, 1);
  assert.equal(textOf(chunks), words(250));
  assert.equal(made.wire.of("out").length, 2);
});

/** The body until its n-th piece, then an error event. */
function withErrorEvent(body, pieces) {
  let seen = 0;
  return body.pipeThrough(new TransformStream({
    transform(piece, out) {
      out.enqueue(piece);
      if ((seen += 1) !== pieces) return;
      out.enqueue(new TextEncoder().encode("event: error\ndata: the store is away\n\n"));
      out.terminate();
    },
  }));
}

row(28, {}, async () => {
  const chat = newChat();
  const first = newTransport(gw);
  await ask(first.transport, chat, "one");
  const state = first.transport.getSession(chat);
  const hydrated = newTransport(gw, { sessions: { [chat]: state } });
  assert.equal(textOf(await ask(hydrated.transport, chat, "two")), echo("two"));
  const set = newTransport(gw);
  set.transport.setSession(chat, hydrated.transport.getSession(chat));
  assert.equal(textOf(await ask(set.transport, chat, "three")), echo("three"));
  assert.deepEqual([hydrated.calls, set.calls], Array(2).fill({ startSession: 0, accessToken: 0 }));
});

row(29, { na45: "seedResumeCursor" }, async () => {
  const chat = newChat();
  const first = newTransport(gw);
  await ask(first.transport, chat, "one");
  await settled(gw, chat, 1);
  const load = helpers.createLoadTranscriptAction(defaultStorage, { limit: 50 });
  const { messages, cursors } = await load({ chatId: chat });
  assert.equal(messages.length, 2);
  assert.match(cursors.lastOutEventId, /^\d+$/);
  const second = newTransport(gw);
  second.transport.seedResumeCursor(chat, cursors.lastOutEventId);
  const chunks = await ask(second.transport, chat, "two");
  assert.equal(textOf(chunks), echo("two"));
  assert.equal(second.wire.of("out")[0].headers["last-event-id"], cursors.lastOutEventId);
});

if (isOldest) assert.equal(typeof helpers.createWatchToken, "undefined");
