// Rows 55–59, 63, 64: `sessions.*`, channels, both id forms.

import assert from "node:assert/strict";
import { gateway } from "../harness.mjs";
import { ask, echo, mint, newChat, newTransport, textOf } from "../lib/chats.mjs";
import { row } from "../lib/row.mjs";
import { configure, sessions } from "../lib/sdk.mjs";
import { boundaries, call, records, settled, spying } from "../lib/wire.mjs";

const gw = await gateway();
configure({ baseURL: gw.url, secretKey: gw.key });

const start = (externalId, more = {}) => sessions.start({ type: "chat.agent", externalId,
  taskIdentifier: "demo", triggerConfig: { basePayload: { chatId: externalId } }, ...more });

row(55, {}, async () => {
  const chat = newChat();
  const triggerConfig = { basePayload: { chatId: chat, trigger: "preload" }, machine: "small-1x",
    queue: "q", tags: ["chat:x"], maxAttempts: 3, maxDuration: 60, region: "eu",
    lockToVersion: "1", idleTimeoutInSeconds: 60 };
  const made = await start(chat, { triggerConfig, tags: ["a"], metadata: { n: 1 },
    expiresAt: new Date(Date.now() + 3_600_000) });
  assert.match(made.id, /^session_/);
  assert.equal(made.isCached, false);
  assert.deepEqual([made.externalId, made.type, made.taskIdentifier, made.tags, made.metadata],
    [chat, "chat.agent", "demo", ["a"], { n: 1 }]);
  assert.ok(made.createdAt instanceof Date && made.expiresAt instanceof Date);
  const again = await start(chat);
  assert.deepEqual([again.id, again.isCached], [made.id, true]);
  const [one, two] = await Promise.all([start("race-" + chat), start("race-" + chat)]);
  assert.equal(one.id, two.id, "creating is idempotent, also at the same time");
  const nameless = await sessions.start({ type: "chat.agent", taskIdentifier: "demo",
    triggerConfig: { basePayload: {} } });
  assert.equal(nameless.externalId, null);
});

row(56, {}, async () => {
  const chat = newChat("s 1");
  await start(chat, { tags: ["x"], metadata: { a: 1 } });
  const updated = await sessions.update(chat, { tags: ["y"], metadata: null });
  assert.deepEqual([updated.tags, updated.metadata], [["y"], null]);
  const seen = await sessions.retrieve(chat);
  assert.deepEqual([seen.tags, seen.metadata, seen.closedAt], [["y"], null, null]);
  const closed = await sessions.close(chat, { reason: "bye" });
  assert.equal(closed.closedReason, "bye");
  assert.ok(closed.closedAt instanceof Date);
  const again = await sessions.close(chat, { reason: "later" });
  assert.deepEqual([again.closedReason, again.closedAt], ["bye", closed.closedAt]);
  const bare = newChat();
  await start(bare);
  assert.equal((await sessions.close(bare)).closedReason, null);
  const { result: error, requests } = await spying(() =>
    sessions.retrieve("nobody-knows").catch((failure) => failure));
  assert.deepEqual([error.status, requests.length], [404, 1]);
});

row(57, {}, async () => {
  const tag = newChat("tag");
  const ids = [];
  for (let i = 0; i < 5; i += 1) ids.push((await start(newChat("l"), { tags: [tag] })).id);
  await sessions.close(ids[0]);
  const listed = [];
  for await (const item of sessions.list({ tag, limit: 2 })) listed.push(item.id);
  assert.deepEqual(listed, [...ids].reverse(), "newest first, every page, once");
  const page = await sessions.list({ tag: [tag], limit: 2 });
  assert.equal(page.data.length, 2);
  const next = await page.getNextPage();
  assert.deepEqual(next.data.map(({ id }) => id), listed.slice(2, 4));
  // `next.getPreviousPage()` would send both cursors, which the API does not take.
  const back = await sessions.list({ tag, limit: 2, before: next.pagination.previous });
  assert.deepEqual(back.data.map(({ id }) => id), listed.slice(0, 2));
  const only = async (filter) => (await sessions.list({ tag, ...filter })).data.map(({ id }) => id);
  assert.deepEqual(await only({ status: "CLOSED" }), [ids[0]]);
  assert.equal((await only({ status: ["ACTIVE", "CLOSED"] })).length, 5);
  assert.equal((await only({ taskIdentifier: "other" })).length, 0);
  assert.equal((await only({ type: ["chat.agent", "b"] })).length, 5);
  assert.equal((await only({ period: "1h" })).length, 5);
  assert.equal((await only({ from: Date.now() + 60_000 })).length, 0);
  assert.equal((await only({ to: new Date(Date.now() + 60_000) })).length, 5);
  const { externalId } = await sessions.retrieve(ids[2]);
  assert.deepEqual(await only({ externalId }), [ids[2]]);
});

row(58, {}, async () => {
  const chat = newChat("s 1");
  await start(chat);
  const { requests } = await spying(async () => {
    await sessions.open(chat).in.send({ text: "hello", n: [1, null] });
    await sessions.open(chat).in.send("just a string: “ü” {");
  });
  for (const { headers } of requests) assert.match(headers["x-part-id"], /^[\w-]{21}$/);
  const stored = await records(gw, chat, "in");
  const raw = stored.map(({ data }) => (typeof data === "string" ? data : JSON.stringify(data)));
  assert.deepEqual(raw, ['{"text":"hello","n":[1,null]}', "just a string: “ü” {"]);
  assert.deepEqual(stored.map(({ id }) => id), requests.map(({ headers }) => headers["x-part-id"]));
});

row(59, {}, async () => {
  const chat = newChat();
  const { transport } = newTransport(gw);
  await ask(transport, chat, "hi");
  const controls = [];
  const parts = [];
  const stream = await sessions.open(chat).out.read({ timeoutInSeconds: 1,
    onControl: (event) => controls.push(event), onPart: (part) => parts.push(part) });
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  assert.equal(textOf(chunks), echo("hi"));
  assert.deepEqual(controls.map(({ subtype }) => subtype), ["turn-complete"]);
  assert.equal(parts[0].id, "0");
  const later = await sessions.open(chat).out.read({ timeoutInSeconds: 1,
    lastEventId: parts[2].id });
  const tail = [];
  for await (const chunk of later) tail.push(chunk);
  assert.deepEqual(tail, chunks.slice(3));
});

row(63, { na45: "side channels" }, async () => {
  const chat = newChat();
  await start(chat);
  const channel = sessions.open(chat).channel("notes.v1");
  await channel.in.send({ note: 1 });
  await channel.in.send("raw");
  const stored = await records(gw, `${chat}`, "channels/notes.v1/in");
  assert.equal(stored.length, 2);
  assert.equal((await records(gw, chat, "in")).length, 0, "side channels are their own streams");
  const wrote = await call(gw, `/realtime/v1/sessions/${chat}/channels/notes.v1/out/append`,
    { json: { type: "data-note", data: 7 } });
  assert.equal(wrote.status, 200);
  const read = [];
  for await (const part of await channel.out.read({ timeoutInSeconds: 1 })) read.push(part);
  assert.equal(read.length, 1);
  assert.equal((await records(gw, chat)).length, 0, "a side channel wakes no run");
});

row(64, {}, async () => {
  const chat = newChat();
  const { transport } = newTransport(gw);
  await ask(transport, chat, "hi");
  const { id } = await sessions.retrieve(chat);
  assert.equal((await sessions.retrieve(id)).externalId, chat);
  const wanted = await records(gw, chat);
  const tokens = { secret: gw.key, external: await mint(chat), friendly: await mint(id) };
  for (const [kind, bearer] of Object.entries(tokens)) {
    for (const name of [chat, id]) {
      assert.deepEqual(await records(gw, name, "out", bearer), wanted, `${kind} on ${name}`);
    }
  }
  await sessions.open(id).in.send({ kind: "message", payload: { chatId: chat,
    trigger: "submit-message", message: { id: "u2", role: "user",
      parts: [{ type: "text", text: "by id" }] } } });
  await settled(gw, chat, 2);
  assert.equal((await boundaries(gw, id)).length, 2);
});
