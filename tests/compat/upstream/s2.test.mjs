// The published `@s2-dev/streamstore` against the gateway: what the SDK does not do with it.

import assert from "node:assert/strict";
import http2 from "node:http2";
import test, { after } from "node:test";
import { AppendInput, AppendRecord, S2 } from "@s2-dev/streamstore";
import { gateway } from "../harness.mjs";
import { newChat } from "../lib/chats.mjs";
import { call, records } from "../lib/wire.mjs";

const gw = await gateway({ store: "disk:" });
const chunk = (id) => JSON.stringify({ data: { type: "text-delta", id: "t", delta: id }, id });
const batch = (...ids) =>
  AppendInput.create(ids.map((id) => AppendRecord.string({ body: chunk(id) })));
const opened = [];
after(() => Promise.all(opened.map((s2) => s2.close?.())));

/** A session, credentials for it, and the client's stream. */
async function open() {
  const name = newChat();
  const created = await call(gw, "/api/v1/sessions", { json: { type: "chat.agent",
    externalId: name, taskIdentifier: "demo",
    triggerConfig: { basePayload: { chatId: name, trigger: "preload" } } } });
  assert.equal(created.status, 201);
  const answer = await call(gw, `/realtime/v1/sessions/${name}/out`, { method: "PUT" });
  assert.equal(answer.status, 202);
  const header = (key) => answer.headers.get(`x-s2-${key}`);
  const endpoint = header("endpoint");
  const s2 = new S2({ accessToken: header("access-token"),
    endpoints: { account: endpoint, basin: endpoint } });
  opened.push(s2);
  const stream = s2.basin(header("basin")).stream(header("stream-name"));
  return { name, stream, endpoint, token: header("access-token"), id: header("stream-name") };
}

const ids = async (name) => (await records(gw, name)).map(({ id }) => id);

test("one-shot appends in JSON and in protobuf", async () => {
  const { name, stream } = await open();
  const first = await stream.append(batch("a", "b"));
  assert.deepEqual([first.start.seqNum, first.end.seqNum, first.tail.seqNum], [0, 2, 2]);
  assert.ok(Math.abs(first.start.timestamp.getTime() - Date.now()) < 60_000);
  const bytes = AppendRecord.bytes({ body: new TextEncoder().encode(chunk("c")),
    headers: [[new TextEncoder().encode("k"), new TextEncoder().encode("ä")]] });
  const second = await stream.append(AppendInput.create([bytes]));
  assert.equal(second.start.seqNum, 2);
  const all = await records(gw, name);
  assert.deepEqual(all.map(({ id }) => id), ["a", "b", "c"]);
  assert.deepEqual(all[2].headers, [["k", "ä"]]);
});

test("a session is acknowledged while it is open, in order", async () => {
  const { name, stream } = await open();
  const session = await stream.appendSession();
  const one = await session.submit(batch("a")).then((ticket) => ticket.ack());
  assert.equal(one.start.seqNum, 0);
  assert.deepEqual(await ids(name), ["a"]);
  const tickets = [];
  for (let n = 0; n < 20; n += 1) tickets.push(await session.submit(batch(`b${n}`, `c${n}`)));
  const acks = await Promise.all(tickets.map((ticket) => ticket.ack()));
  assert.deepEqual(acks.map(({ start }) => start.seqNum), acks.map((_, n) => 1 + 2 * n));
  await session.close();
  assert.equal((await ids(name)).length, 41);
});

test("several sessions at once, each in its own order", async () => {
  const { name, stream } = await open();
  await Promise.all(Array.from({ length: 12 }, async (_, writer) => {
    const session = await stream.appendSession();
    for (let n = 0; n < 10; n += 1) {
      const ticket = await session.submit(batch(`${writer}.${n}`));
      await ticket.ack();
    }
    await session.close();
  }));
  const all = await ids(name);
  assert.equal(new Set(all).size, 120);
  for (let writer = 0; writer < 12; writer += 1) {
    const own = all.filter((id) => id.startsWith(`${writer}.`));
    assert.deepEqual(own, Array.from({ length: 10 }, (_, n) => `${writer}.${n}`));
  }
});

test("what is sent again is acknowledged again and stored once", async () => {
  const { name, stream } = await open();
  const first = await stream.append(batch("a", "b"));
  const session = await stream.appendSession();
  const again = await session.submit(batch("a", "b")).then((ticket) => ticket.ack());
  await session.close();
  assert.deepEqual(again, first);
  assert.deepEqual(await ids(name), ["a", "b"]);
});

test("a trim moves where reads start", async () => {
  const { name, stream } = await open();
  await stream.append(batch("a", "b", "c"));
  const ack = await stream.append(AppendInput.create([AppendRecord.trim(2)]));
  assert.deepEqual([ack.start.seqNum, ack.end.seqNum], [3, 4]);
  const page = await call(gw, `/realtime/v1/sessions/${name}/out/records`);
  // The command itself is not shown.
  assert.deepEqual((await page.json()).records.map(({ seqNum }) => seqNum), [2]);
});

test("conditions and fences are refused, not ignored", async () => {
  const { name, stream } = await open();
  const conditional = AppendInput.create([AppendRecord.string({ body: chunk("a") })],
    { matchSeqNum: 0 });
  await assert.rejects(stream.append(conditional), (error) => error.status === 422);
  const session = await stream.appendSession();
  await assert.rejects(async () => {
    const ticket = await session.submit(AppendInput.create([AppendRecord.fence("mine")]));
    await ticket.ack();
  }, (error) => error.status === 422 && error.code === "unprocessable");
  assert.deepEqual(await ids(name), []);
  assert.equal((await stream.append(batch("a"))).start.seqNum, 0);
});

test("a record that is too large ends its session, and the next one works", async () => {
  // The client refuses such records itself, so the frames are written by hand.
  const { name, id, endpoint, token, stream } = await open();
  const { origin, pathname } = new URL(endpoint);
  const client = http2.connect(origin);
  const request = client.request({ ":method": "POST",
    ":path": `${pathname}/streams/${encodeURIComponent(id)}/records`,
    authorization: `Bearer ${token}`, "content-type": "s2s/proto" });
  const answer = [];
  request.on("data", (part) => answer.push(part));
  const ended = new Promise((done) => request.on("close", done));
  request.write(frame(proto(Buffer.from(chunk("stands")))));
  while (answer.length === 0) await new Promise((done) => setTimeout(done, 5));
  request.write(frame(proto(Buffer.alloc(1024 * 1024 + 1, "x"))));
  request.write(frame(proto(Buffer.from(chunk("not read")))));
  await ended;
  const last = Buffer.concat(answer);
  const terminal = last.subarray(4 + last.readUIntBE(0, 3) - 1);
  assert.equal(terminal[3], 0x80);
  assert.equal(terminal.readUInt16BE(4), 413);
  assert.equal(JSON.parse(terminal.subarray(6)).code, "record_too_large");
  // The connection goes on as well.
  const next = client.request({ ":path": "/live" });
  assert.equal((await new Promise((done) => next.on("response", done)))[":status"], 200);
  client.close();
  await stream.append(batch("after"));
  assert.deepEqual(await ids(name), ["stands", "after"]);
});

test("credentials end with their session", async () => {
  const { name, stream } = await open();
  await call(gw, `/api/v1/sessions/${name}/close`, { json: {} });
  const closed = (error) => error.status === 409 && error.code === "session_closed";
  await assert.rejects(stream.append(batch("late")), closed);
  const session = await stream.appendSession();
  await assert.rejects(async () => {
    const ticket = await session.submit(batch("late"));
    await ticket.ack();
  }, closed);
});

/** One record with this body, as an AppendInput. */
function proto(body) {
  const record = Buffer.concat([Buffer.from([0x1a]), varint(body.length), body]);
  return Buffer.concat([Buffer.from([0x0a]), varint(record.length), record]);
}

function frame(body) {
  const head = Buffer.alloc(4);
  head.writeUIntBE(body.length + 1, 0, 3);
  return Buffer.concat([head, body]);
}

function varint(value) {
  const bytes = [];
  for (; value > 0x7f; value = Math.floor(value / 128)) bytes.push((value % 128) | 0x80);
  return Buffer.from([...bytes, value]);
}
