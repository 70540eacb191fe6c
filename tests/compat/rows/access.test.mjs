// Rows 18–22, 30, 31: token refresh, repair, closed sessions, overrides, events.

import assert from "node:assert/strict";
import { gateway } from "../harness.mjs";
import {
  all, ask, deltas, echo, mint, newChat, newTransport, readUntil, rest, send, textOf,
} from "../lib/chats.mjs";
import { row } from "../lib/row.mjs";
import { auth, configure, sessions } from "../lib/sdk.mjs";
import { call, claims, closings, records } from "../lib/wire.mjs";

const gw = await gateway();
configure({ baseURL: gw.url, secretKey: gw.key });

/** A token that the SDK signs with a root-style key and that expired long ago. */
const expired = (chatId, config) => auth.withAuth(config, () => mint(chatId, 1_600_000_000));
const root = { baseURL: gw.url, secretKey: gw.rootKey };

/** Everything of a test in the root environment. */
const inRoot = (work) => auth.withAuth(root, work);

row(18, {}, async () => {
  const chat = newChat();
  await inRoot(async () => {
    const owner = newTransport(gw);
    await owner.transport.start(chat);
    const tokens = { expired: await expired(chat, root), foreign: await mint("another-chat") };
    for (const [why, publicAccessToken] of Object.entries(tokens)) {
      const { transport, calls, wire } = newTransport(gw, {
        sessions: { [chat]: { publicAccessToken } } });
      await (await send(transport, chat, why)).cancel();
      const appends = wire.of("in").filter(({ body }) => body.includes(why));
      const wanted = why === "expired" ? 401 : 403;
      assert.deepEqual(appends.map(({ status }) => status), [wanted, 200]);
      assert.equal(calls.accessToken, 1);
      const [first, second] = appends.map(({ headers }) => headers["x-part-id"]);
      assert.equal(first, second, "the retry carries the same part id");
    }
    const stored = (await records(gw, chat, "in", gw.rootKey)).map(({ data }) => data);
    for (const why of Object.keys(tokens)) {
      const found = stored.filter((data) => JSON.stringify(data).includes(`"text\\":\\"${why}`)
        || JSON.stringify(data).includes(`"text":"${why}`));
      assert.equal(found.length, 1, `${why}: one record for one message`);
    }
  });
});

row(19, {}, async () => {
  const chat = newChat();
  const owner = newTransport(gw);
  await owner.transport.start(chat);
  const writeOnly = await auth.createPublicToken({ scopes: { write: { sessions: chat } } });
  const { transport, calls, wire } = newTransport(gw, {
    sessions: { [chat]: { publicAccessToken: writeOnly } } });
  assert.equal(textOf(await ask(transport, chat, "hi")), echo("hi"));
  assert.deepEqual(wire.of("out").map(({ status }) => status), [403, 200]);
  assert.equal(calls.accessToken, 1);

  await inRoot(async () => {
    const other = newChat();
    const before = newTransport(gw);
    await ask(before.transport, other, "hi");
    const resumed = newTransport(gw, { sessions: { [other]: {
      publicAccessToken: await expired(other, root), isStreaming: true } } });
    const replay = await all(await resumed.transport.reconnectToStream({ chatId: other }));
    assert.equal(textOf(replay), echo("hi"));
    assert.deepEqual(resumed.wire.of("out").map(({ status }) => status), [401, 200]);
  });
});

row(20, {}, async () => {
  const chat = newChat();
  const { transport } = newTransport(gw);
  const { publicAccessToken: first } = await transport.start(chat);
  await ask(transport, chat, "hi");
  const { publicAccessToken: second } = transport.getSession(chat);
  const { exp, scopes } = claims(second);
  assert.ok(exp >= claims(first).exp);
  for (const scope of [`read:sessions:${chat}`, `write:sessions:${chat}`]) {
    assert.ok(scopes.includes(scope), scope);
  }
  const boundary = (await records(gw, chat)).at(-1);
  const next = newTransport(gw, { sessions: { [chat]: {
    publicAccessToken: second, lastEventId: String(boundary.seqNum) } } });
  assert.equal(textOf(await ask(next.transport, chat, "again")), echo("again"));
  assert.equal(next.calls.accessToken, 0);
  // The token is put on the boundary at delivery: it is not in the log, and readers get none.
  assert.ok(!JSON.stringify(await records(gw, chat)).includes("eyJ"));
  const reader = await auth.createPublicToken({ scopes: { read: { sessions: chat } } });
  const seen = await call(gw, `/realtime/v1/sessions/${chat}/out`, { bearer: reader,
    headers: { accept: "text/event-stream", "x-peek-settled": "1" } });
  const text = await seen.text();
  assert.ok(text.includes("turn-complete") && !text.includes("public-access-token"));
});

row(21, {}, async () => {
  const chat = newChat("gone");
  const publicAccessToken = await mint(chat);
  const { transport, calls, wire } = newTransport(gw, {
    sessions: { [chat]: { publicAccessToken, lastEventId: "41" } } });
  assert.equal(textOf(await ask(transport, chat, "hi")), echo("hi"));
  assert.deepEqual(wire.of("in").map(({ status }) => status), [404, 200]);
  assert.equal(calls.startSession, 1);
  assert.equal(new Set(wire.of("in").map(({ headers }) => headers["x-part-id"])).size, 1);
});

row(22, { na45: "closed-session handling" }, async () => {
  const chat = newChat();
  const events = [];
  const { transport, wire } = newTransport(gw, { onEvent: (event) => events.push(event.type) });
  await ask(transport, chat, "hi");
  await sessions.close(chat, { reason: "done here" });
  await assert.rejects(ask(transport, chat, "more"), (error) => {
    assert.deepEqual([error.status, error.code, error.closedReason],
      [409, "session_closed", "done here"]);
    return true;
  });
  assert.equal(wire.of("in").at(-1).status, 409);
  assert.equal(transport.sessionStatus(chat), "closed");
  assert.equal(transport.sessionClosedReason(chat), "done here");
  assert.ok(events.includes("session-closed") && events.includes("message-send-failed"));

  const open = newChat();
  const reading = newTransport(gw, { agent: "steady" });
  const stream = await send(reading.transport, open, "/words 60 20");
  const { reader } = await readUntil(stream, (read) => deltas(read) >= 3);
  await sessions.close(open, { reason: "midway" });
  await rest(reader);
  // The running answer is ended first, then the session.
  await closings(gw, open);
  const { lastEventId } = reading.transport.getSession(open);
  const later = newTransport(gw, { sessions: { [open]: {
    publicAccessToken: await mint(open), lastEventId, isStreaming: true } } });
  assert.deepEqual(await all(await later.transport.reconnectToStream({ chatId: open })), []);
  assert.equal(later.transport.sessionStatus(open), "closed", "who reads on is told");
  assert.equal(later.transport.sessionClosedReason(open), "midway");
});

row(30, {}, async () => {
  const chat = newChat();
  const asked = [];
  const { transport, wire } = newTransport(gw, {
    baseURL: (context) => {
      asked.push(context);
      return `${gw.url}/`;
    },
    headers: { "x-tenant": "blue", "x-trace": "1" },
  });
  assert.equal(textOf(await ask(transport, chat, "hi")), echo("hi"));
  assert.deepEqual(asked.map(({ endpoint }) => endpoint), ["in", "out"]);
  for (const { headers } of wire.requests) assert.equal(headers["x-tenant"], "blue");

  const split = newTransport(gw, { baseURL: gw.url,
    streamBaseURL: gw.url.replace("127.0.0.1", "localhost") });
  assert.equal(textOf(await ask(split.transport, newChat(), "hi")), echo("hi"));
  assert.match(split.wire.of("out")[0].url, /^http:\/\/localhost:/);
  assert.match(split.wire.of("in")[0].url, /^http:\/\/127\.0\.0\.1:/);
});

row(31, { na45: "onEvent" }, async () => {
  const chat = newChat();
  const events = [];
  const { transport } = newTransport(gw, { onEvent: (event) => events.push(event) });
  await ask(transport, chat, say("hi"));
  const types = events.map(({ type }) => type);
  assert.deepEqual(types, ["message-sent", "stream-connected", "first-chunk", "turn-completed"]);
  const [sent, , first, completed] = events;
  assert.equal(sent.source, "submit-message");
  assert.equal(first.chunkType, "start");
  assert.equal(completed.messageId, sent.messageId);
  assert.match(completed.sessionInEventId, /^\d+$/);

  const lost = newTransport(gw, { onEvent: (event) => events.push(event),
    accessToken: () => "not-a-token",
    sessions: { [chat]: { publicAccessToken: "not-a-token", isStreaming: true } } });
  events.length = 0;
  await assert.rejects(ask(lost.transport, chat, "hi"));
  await assert.rejects(all(await lost.transport.reconnectToStream({ chatId: chat })));
  assert.deepEqual(events.map(({ type, status }) => [type, status]),
    [["message-send-failed", 401], ["stream-error", 401]]);
});

function say(text) {
  return { id: "u1", role: "user", parts: [{ type: "text", text }] };
}

