// The traps of the wire contract where a real client shows them, each by its number.

import assert from "node:assert/strict";
import { test } from "node:test";
import { gateway } from "../harness.mjs";
import {
  all, ask, deltas, echo, mint, newChat, newTransport, readUntil, rest, say, send, textOf,
} from "../lib/chats.mjs";
import { AgentChat, auth, configure, sessions } from "../lib/sdk.mjs";
import { boundaries, call, records, settled, spying } from "../lib/wire.mjs";

const gw = await gateway();
configure({ baseURL: gw.url, secretKey: gw.key });

const trap = (number, name, body) =>
  test(`trap ${String(number).padStart(2, "0")} ${name}`, { timeout: 240_000 }, body);
const out = (chat, headers = {}, bearer = gw.key) =>
  call(gw, `/realtime/v1/sessions/${encodeURIComponent(chat)}/out`,
    { bearer, headers: { accept: "text/event-stream", ...headers } });
const create = (chat, basePayload = { chatId: chat }) => sessions.start({ type: "chat.agent",
  externalId: chat, taskIdentifier: "demo", triggerConfig: { basePayload } });

/** The SSE body's batches. */
const batches = (text) => text.split("\n\n").filter((event) => event.includes("event: batch"))
  .map((event) => JSON.parse(event.split("\n").find((line) => line.startsWith("data: ")).slice(6)));

trap(2, "permanent faults of .out are statuses that the client gives up on", async () => {
  const chat = newChat();
  await create(chat);
  const final = new Set([400, 401, 403, 404, 409, 410, 422]);
  const foreign = await mint("another");
  const answers = [await out(chat, { "timeout-seconds": "0" }), await out(chat, {}, "nonsense"),
    await out(chat, {}, foreign), await out("session_unknown0000000000000")];
  for (const { status } of answers) assert.ok(final.has(status), String(status));
  const { transport, wire } = newTransport(gw, { accessToken: () => "nonsense",
    sessions: { [chat]: { publicAccessToken: "nonsense", isStreaming: true } } });
  await assert.rejects(all(await transport.reconnectToStream({ chatId: chat })));
  assert.equal(wire.requests.length, 2, "one refresh, then the error");
});

trap(3, "headers come at once, also without a record", async () => {
  const chat = newChat();
  await create(chat);
  const answer = await out(chat);
  assert.equal(answer.status, 200);
  assert.equal((await boundaries(gw, chat)).length, 0);
  await answer.body.cancel();
});

trap(4, "an empty .out is held, not closed", async () => {
  const chat = newChat();
  const { transport, wire } = newTransport(gw);
  const text = textOf(await ask(transport, chat, "/wait 3000 still there"));
  assert.ok(text.endsWith(echo("still there")));
  assert.equal(wire.of("out").length, 1);
});

trap(6, "records come in events named batch, one JSON object each", async () => {
  const chat = newChat();
  await ask(newTransport(gw).transport, chat, "hi");
  const text = await (await out(chat, { "x-peek-settled": "1" })).text();
  const seqs = batches(text).flatMap((batch) => batch.records.map((record) => record.seq_num));
  assert.deepEqual(seqs, seqs.map((_, i) => i));
  for (const { records: some } of batches(text)) {
    for (const { headers } of some) assert.ok(headers === undefined || Array.isArray(headers));
  }
});

trap(9, "no boundary lacks its input, and a stopped turn does not end the next one", async () => {
  const chat = newChat();
  const { transport } = newTransport(gw, { agent: "steady" });
  for (let round = 0; round < 3; round += 1) {
    const stream = await send(transport, chat, "/words 2000 20");
    const { reader } = await readUntil(stream, (read) => deltas(read) >= 2);
    await transport.stopGeneration(chat);
    await rest(reader);
    assert.equal(textOf(await ask(transport, chat, `n${round}`)), echo(`n${round}`));
  }
  const found = await boundaries(gw, chat);
  assert.equal(found.length, 6);
  assert.ok(found.every(({ hasInput }) => hasInput));
});

trap(10, "exactly one boundary for every kind of turn", async () => {
  const chat = newChat();
  const { transport } = newTransport(gw);
  const turns = ["hi", "/fail", "/fail-first", "/error e", "/abort", "/cut", "/broken", "/tool x"];
  for (const text of turns) await ask(transport, chat, text);
  await all(await transport.sendAction(chat, { type: "nothing" }));
  await all(await transport.sendAction(chat, { type: "unheard-of" }));
  const found = await boundaries(gw, chat);
  assert.equal(found.length, turns.length + 2);
  assert.equal(new Set(found.map(({ input }) => input)).size, found.length);
});

trap(11, "an idle AgentChat.stop does not hang the next send", async () => {
  const chat = new AgentChat({ agent: "demo", id: newChat("ag") });
  assert.equal(await (await chat.sendMessage("one")).text(), echo("one"));
  await chat.stop();
  await settled(gw, chat.id, 2);
  assert.equal(await (await chat.sendMessage("two")).text(), echo("two"));
  const other = newChat();
  const { transport } = newTransport(gw);
  await ask(transport, other, "hi");
  await transport.stopGeneration(other);
  assert.equal(textOf(await ask(transport, other, "on")), echo("on"));
  assert.equal((await boundaries(gw, other)).length, 2, "a public token's idle stop writes none");
});

trap(13, "old cursors are clamped, cursors beyond the tail wait", async () => {
  const chat = newChat();
  const { transport } = newTransport(gw);
  await ask(transport, chat, "hi");
  const state = transport.getSession(chat);
  const ahead = newTransport(gw, { streamTimeoutSeconds: 1, sessions: { [chat]:
    { ...state, lastEventId: "99999", isStreaming: undefined, activeInputSeq: undefined } } });
  assert.deepEqual(await all(await ahead.transport.reconnectToStream({ chatId: chat })), []);
  assert.equal(ahead.wire.of("out")[0].status, 200);
});

trap(15, "a permanent 409 is not retried by the SDK", async () => {
  const chat = newChat();
  await create(chat);
  await sessions.close(chat);
  for (const work of [() => create(chat), () => sessions.open(chat).in.send({ a: 1 })]) {
    const { result, requests } = await spying(() => work().then(() => null, (error) => error));
    assert.deepEqual([result?.status, requests.length], [409, 1]);
  }
});

trap(17, "a fresh external id is no 404 on .out", async () => {
  const chat = newChat("fresh");
  const answer = await out(chat, {}, await mint(chat));
  assert.equal(answer.status, 200);
  await answer.body.cancel();
});

trap(22, "a JSON content type with an empty body is no error", async () => {
  const headers = { "content-type": "application/json" };
  const claims = await call(gw, "/api/v1/auth/jwt/claims", { method: "POST", headers });
  assert.equal(claims.status, 200);
  const chat = newChat();
  await create(chat);
  assert.equal((await call(gw, `/api/v1/sessions/${chat}`, { headers })).status, 200);
  const closed = await call(gw, `/api/v1/sessions/${chat}/close`, { method: "POST", headers });
  assert.equal(closed.status, 200);
});

trap(23, "an append's body is opaque", async () => {
  const chat = newChat();
  await create(chat);
  await sessions.open(chat).in.send("not JSON {");
  const [record] = await records(gw, chat, "in");
  assert.ok(JSON.stringify(record.data).includes("not JSON {"));
  const { transport } = newTransport(gw);
  assert.equal(textOf(await ask(transport, chat, "and on")), echo("and on"));
});

trap(25, "slashes, spaces and UTF-8 in ids", async () => {
  const names = ["a/b/c", "chat/1 ä", "50%", "日本/🌊", "a+b&c=d?e#f", "..", "session-x"];
  for (const name of names) {
    const chat = `${name}-${newChat()}`;
    const { transport } = newTransport(gw);
    assert.equal(textOf(await ask(transport, chat, "hi")), echo("hi"), chat);
    assert.equal((await sessions.retrieve(chat)).externalId, chat);
  }
});

trap(27, "a stream outlives its token", async () => {
  const chat = newChat();
  await create(chat);
  const publicAccessToken = await mint(chat, "6s");
  const { transport, calls, wire } = newTransport(gw, {
    sessions: { [chat]: { publicAccessToken } } });
  const text = textOf(await ask(transport, chat, "/wait 7500 late"));
  assert.ok(text.endsWith(echo("late")));
  assert.equal(wire.of("out").length, 1, "the connection is not cut at expiry");
  assert.equal(calls.accessToken, 0);
  assert.equal((await out(chat, {}, publicAccessToken)).status, 401, "and it did expire");
});

trap(29, "what is written before the subscription is not lost", async () => {
  const chat = newChat();
  const { transport } = newTransport(gw);
  await transport.start(chat);
  const delayed = newTransport(gw, { sessions: { [chat]: transport.getSession(chat) } });
  delayed.transport.setFetch(async (url, init, context) => {
    if (context.endpoint === "out") await settled(gw, chat, 1);
    return fetch(url, init);
  });
  assert.equal(textOf(await ask(delayed.transport, chat, "early")), echo("early"));
});

trap(30, "a repeated part id makes no second record", async () => {
  const chat = newChat();
  await create(chat);
  const append = () => call(gw, `/realtime/v1/sessions/${chat}/in/append`, {
    headers: { "x-part-id": "part-1" }, json: { kind: "message", payload: { chatId: chat,
      trigger: "submit-message", message: say("once") } } });
  const answers = await Promise.all([append(), append(), append()]);
  const bodies = await Promise.all(answers.map((answer) => answer.json()));
  assert.deepEqual(bodies.map(({ ok, seq }) => [ok, seq]), Array(3).fill([true, bodies[0].seq]));
  assert.equal((await records(gw, chat, "in")).length, 1);
  await settled(gw, chat, 1);
});

trap(32, "the last seq_num of the body is the last record's", async () => {
  const chat = newChat();
  await ask(newTransport(gw).transport, chat, "hi");
  const text = await (await out(chat, { "x-peek-settled": "1" })).text();
  const last = text.match(/"seq_num":(\d+)/g).at(-1).slice('"seq_num":'.length);
  assert.equal(Number(last), (await records(gw, chat)).at(-1).seqNum);
});

trap(34, "the branch header of a host platform is ignored", async () => {
  await auth.withAuth({ baseURL: gw.url, secretKey: gw.key, previewBranch: "feat/ünlikely" },
    async () => {
      const chat = new AgentChat({ agent: "demo", id: newChat("ag") });
      assert.equal(await (await chat.sendMessage("hi")).text(), echo("hi"));
    });
});
