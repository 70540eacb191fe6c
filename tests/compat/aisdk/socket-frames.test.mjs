// The socket of the AI SDK binding without the transport: frames, credentials, tickets, bounds.

import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { gateway } from "../harness.mjs";
import { echo, mint, newChat, words } from "../lib/chats.mjs";
import { configure } from "../lib/sdk.mjs";
import { chunksOf, rawSocket, resumeFrame, sendFrame, sequencesOf, stopsOf,
  ticket } from "../lib/sockets.mjs";
import { boundaries, call, records, settled } from "../lib/wire.mjs";

const gw = await gateway();
configure({ baseURL: gw.url, secretKey: gw.key });
const timeout = 120_000;
const text = (frames) => chunksOf(frames).filter(({ type }) => type === "text-delta")
  .map(({ delta }) => delta).join("");

test("what is no frame closes the socket with 1008", { timeout }, async () => {
  const good = sendFrame("r", "c", "hi");
  const without = (key) => ({ ...good, [key]: undefined });
  for (const bad of ["", "x", "[]", "{}", "null", ...["type", "requestId", "id", "headers",
    "body", "trigger", "messages"].map(without), { ...good, type: "ping" },
  { ...good, headers: { a: 1 } }, { ...good, trigger: "action" }, { ...good, messageId: 1 },
  { ...good, messages: [{ id: "u" }] }, { ...good, requestId: "x".repeat(257) },
  resumeFrame("r", "c", { lastSequence: -1 }), { type: "abort" }]) {
    const raw = await rawSocket(gw);
    raw.say(bad);
    assert.equal((await raw.closed).code, 1008, JSON.stringify(bad));
  }
  const binary = await rawSocket(gw);
  binary.socket.send(Buffer.from("{}"), { binary: true });
  assert.equal((await binary.closed).code, 1003);
});

test("a request that is under way keeps its id", { timeout }, async () => {
  const raw = await rawSocket(gw, { agent: "steady" });
  raw.say(sendFrame("r", newChat("ws"), "/words 3000 20"));
  await raw.until(() => raw.of("r").length > 3);
  raw.say(sendFrame("r", newChat("ws"), "x"));
  assert.equal((await raw.closed).code, 1008);
});

test("requests that are refused are answered, and the socket stays", { timeout }, async () => {
  const raw = await rawSocket(gw);
  const chat = newChat("ws");
  const refused = async (frame, code) => {
    raw.say(frame);
    const [error] = await raw.last(frame.requestId);
    assert.deepEqual([error.type, error.code], ["error", code], JSON.stringify(error));
    assert.equal(typeof error.errorText, "string");
  };
  await refused(sendFrame("a", "session_x", "hi"), "invalid_body");
  await refused(resumeFrame("A", "a:channels:b"), "invalid_parameter");
  await refused(sendFrame("b", chat, "hi", { messages: [] }), "invalid_body");
  await refused(sendFrame("c", chat, "hi", { headers: { authorization: "Bearer no" } }),
    "unauthenticated");
  await refused(resumeFrame("d", chat, { headers: { Authorization: "Basic x" } }),
    "unauthenticated");
  raw.say(sendFrame("e", chat, "hi"));
  assert.equal(text(await raw.last("e")), echo("hi"));
  const elsewhere = await rawSocket(gw, { agent: "steady" });
  elsewhere.say(sendFrame("f", chat, "hi"));
  assert.equal((await elsewhere.last("f"))[0].code, "unprocessable");
  const nowhere = await rawSocket(gw, { agent: "nobody" });
  nowhere.say(sendFrame("g", newChat("ws"), "hi"));
  assert.equal((await nowhere.last("g"))[0].code, "unknown_agent");
  nowhere.say(resumeFrame("h", newChat("ws")));
  assert.equal((await nowhere.last("h"))[0].code, "unknown_agent");
  for (const { socket } of [raw, elsewhere, nowhere]) socket.close();
});

test("a resume gets all chunks, or those after the last sequence, whoever reads", { timeout },
  async () => {
    const [one, two] = [await rawSocket(gw, { agent: "steady" }),
      await rawSocket(gw, { agent: "steady" })];
    const chat = newChat("ws");
    one.say(sendFrame("s", chat, "/words 100 20"));
    await one.until(() => one.of("s").length > 12);
    two.say(resumeFrame("all", chat));
    two.say(resumeFrame("rest", chat, { lastSequence: 7 }));
    two.say(resumeFrame("none", chat, { lastSequence: 1_000_000 }));
    const sent = await one.last("s");
    for (const [id, from] of [["all", 0], ["rest", 8], ["none", 1_000_000]]) {
      const frames = await two.last(id);
      assert.deepEqual([frames[0].type, frames.at(-1).type], ["start", "end"]);
      assert.deepEqual(chunksOf(frames), chunksOf(sent).slice(from), id);
      assert.deepEqual(sequencesOf(frames), sequencesOf(sent).slice(from), id);
    }
    assert.equal(text(sent), words(100));
    assert.equal(chunksOf(sent)[0].type, "start");
    assert.equal(typeof chunksOf(sent)[0].messageId, "string");
    const log = (await records(gw, chat)).map(({ data }) => data).filter((data) => data !== null);
    assert.deepEqual(chunksOf(sent), log);
    [one, two].forEach(({ socket }) => socket.close());
  });

test("an abort stops the turn whose answer it is, also at once, and no other", { timeout },
  async () => {
    const raw = await rawSocket(gw, { agent: "steady" });
    const chat = newChat("ws");
    raw.say(sendFrame("a", chat, "/words 3000 20"));
    raw.say({ type: "abort", requestId: "a" });
    raw.say(sendFrame("b", chat, "hi"));
    assert.equal(text(await raw.last("b")), echo("hi"));
    assert.ok(raw.of("a").length < 50, "nothing more is sent of what is aborted");
    const { inputs } = await (await call(gw, `/v1/sessions/${chat}/inputs`)).json();
    assert.deepEqual(inputs, [{ seq: 0, fate: "answered", turn: 1 },
      { seq: 1, fate: "applied", turn: 1 }, { seq: 2, fate: "answered", turn: 2 }]);
    // One that waits behind another turn: nothing is stopped.
    const other = newChat("ws");
    raw.say(sendFrame("front", other, "/words 60 20"));
    await raw.until(() => raw.of("front").length > 3);
    raw.say(sendFrame("back", other, "later"));
    await raw.until(() => raw.of("back").length > 0);
    raw.say({ type: "abort", requestId: "back" });
    raw.say({ type: "abort", requestId: "b" });
    raw.say({ type: "abort", requestId: "never" });
    assert.equal(text(await raw.last("front")), words(60));
    await settled(gw, other, 2);
    assert.deepEqual([await stopsOf(gw, chat), await stopsOf(gw, other)]
      .map(({ length }) => length), [1, 0]);
    raw.socket.close();
  });

test("an abort whose socket is cut at once is a stop all the same", { timeout }, async () => {
  const raw = await rawSocket(gw, { agent: "steady" });
  const chat = newChat("ws");
  raw.say(sendFrame("a", chat, "/words 3000 20"));
  await raw.until(() => raw.of("a").length > 3);
  raw.say({ type: "abort", requestId: "a" });
  raw.socket.close();
  assert.equal((await settled(gw, chat, 1)).length, 1);
});

test("what is sent and left is committed", { timeout }, async () => {
  const raw = await rawSocket(gw);
  const chat = newChat("ws");
  raw.say(sendFrame("a", chat, "hi"));
  raw.socket.close();
  await raw.closed;
  await settled(gw, chat, 1);
  assert.equal((await records(gw, chat, "in")).length, 1);
});

test("x-part-id in a frame's headers: a send that is repeated is one input", { timeout },
  async () => {
    const raw = await rawSocket(gw);
    const chat = newChat("ws");
    for (const id of ["a", "b"]) {
      raw.say(sendFrame(id, chat, "hi", { headers: { "X-Part-Id": "p1" },
        messages: [{ id: "u1", role: "user", parts: [{ type: "text", text: "hi" }] }] }));
      assert.equal(text(await raw.last(id)), echo("hi"));
    }
    assert.equal((await boundaries(gw, chat)).length, 1);
    raw.socket.close();
  });

test("a client that stops reading gets everything once it reads again", { timeout }, async () => {
  const raw = await rawSocket(gw);
  const chats = Array.from({ length: 8 }, () => newChat("ws"));
  await raw.socket.pause();
  for (const [n, chat] of chats.entries()) raw.say(sendFrame(`r${n}`, chat, "/words 4000 0"));
  // Every answer is over long before a byte of it is read.
  for (const chat of chats) await settled(gw, chat, 1);
  raw.socket.resume();
  for (const n of chats.keys()) {
    const frames = await raw.last(`r${n}`);
    assert.equal(text(frames), words(4_000));
    assert.deepEqual(sequencesOf(frames), sequencesOf(frames).map((_, index) => index));
  }
  raw.socket.close();
});

test("a silent socket is pinged, while nothing is asked and while a turn is silent", { timeout },
  async () => {
    const [idle, waiting] = [await rawSocket(gw), await rawSocket(gw)];
    const pinged = [idle, waiting].map(({ socket }) => once(socket, "ping"));
    waiting.say(sendFrame("a", newChat("ws"), "/wait 60000 hi"));
    await Promise.all(pinged);
    idle.socket.close();
    waiting.say({ type: "abort", requestId: "a" });
    waiting.socket.close();
  });

test("more requests than a socket may have are refused", { timeout }, async () => {
  const raw = await rawSocket(gw, { agent: "steady" });
  for (let n = 0; n < 65; n += 1) raw.say(sendFrame(`r${n}`, newChat("ws"), "/wait 5000 hi"));
  const [error] = await raw.last("r64");
  assert.equal(error.code, "overloaded");
  raw.socket.terminate();
});

test("the handshake", { timeout }, async () => {
  await assert.rejects(rawSocket(gw, { bearer: "nonsense" }), /401/);
  await assert.rejects(rawSocket(gw, { bearer: null, query: "?ticket=nonsense" }), /401/);
  const plain = await call(gw, "/ai/demo/ws");
  assert.equal((await plain.json()).code, "unsupported_subprotocol");
  const anonymous = await rawSocket(gw, { bearer: null });
  anonymous.say(sendFrame("a", newChat("ws"), "hi"));
  assert.equal((await anonymous.last("a"))[0].code, "unauthenticated");
  // A frame that is larger than who is not known may send.
  anonymous.say(sendFrame("b", newChat("ws"), "x".repeat(4 << 20)));
  assert.equal((await anonymous.closed).code, 1009);
});

test("a ticket works once, with the rights of its credential, and is no other credential",
  { timeout }, async () => {
    const chat = newChat("ws");
    const bearer = await mint(chat);
    const given = await ticket(gw, { bearer });
    assert.equal(given.status, 200);
    assert.ok(given.expiresAt > Date.now() && given.expiresAt <= Date.now() + 60_000);
    const query = `?ticket=${given.ticket}`;
    const raw = await rawSocket(gw, { bearer: null, query });
    raw.say(sendFrame("a", chat, "hi"));
    assert.equal(text(await raw.last("a")), echo("hi"));
    raw.say(sendFrame("b", newChat("ws"), "hi"));
    assert.equal((await raw.last("b"))[0].code, "unauthorized");
    for (let again = 0; again < 2; again += 1) {
      await assert.rejects(rawSocket(gw, { bearer: null, query }), /401/);
    }
    // Two at once: one of them.
    const raced = `?ticket=${(await ticket(gw, { bearer })).ticket}`;
    const both = await Promise.allSettled([1, 2, 3, 4].map(() =>
      rawSocket(gw, { bearer: null, query: raced })));
    assert.equal(both.filter(({ status }) => status === "fulfilled").length, 1);
    for (const { value } of both) value?.socket.close();
    const fresh = (await ticket(gw, { bearer })).ticket;
    assert.equal((await call(gw, "/api/v1/sessions", { bearer: fresh })).status, 401);
    await assert.rejects(rawSocket(gw, { bearer: null, query: `?ticket=${bearer}` }), /401/);
    raw.socket.close();
  });

test("a secret key gives tickets with scopes; a token can't widen its own", { timeout },
  async () => {
    const chat = newChat("ws");
    const scopes = [`read:sessions:${chat}`, `write:sessions:${chat}`];
    const narrow = await ticket(gw, { json: { scopes } });
    const raw = await rawSocket(gw, { bearer: null, query: `?ticket=${narrow.ticket}` });
    raw.say(sendFrame("a", chat, "hi"));
    assert.equal(text(await raw.last("a")), echo("hi"));
    raw.say(sendFrame("b", newChat("ws"), "hi"));
    assert.equal((await raw.last("b"))[0].code, "unauthorized");
    raw.socket.close();
    const refused = await ticket(gw, { bearer: await mint(chat), json: { scopes } });
    assert.equal(refused.code, "scopes_exceed_key_access");
    assert.equal((await ticket(gw, { json: { scopes: ["read:"] } })).status, 400);
    assert.equal((await ticket(gw, { bearer: null })).status, 401);
  });
