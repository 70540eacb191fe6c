// Rows 65–71, 73, 74: `.out` of an agent that writes it through the S2 binding.

import assert from "node:assert/strict";
import { AppendInput, AppendRecord, S2 } from "@s2-dev/streamstore";
import { all } from "../lib/chats.mjs";
import { sessions } from "../lib/sdk.mjs";
import { call, closings, records } from "../lib/wire.mjs";
import { agentRow } from "./lib/row.mjs";
import { chunkOf, isBoundary, open, recordsOf } from "./lib/sse.mjs";
import { shared } from "./lib/stage.mjs";

const { gw, talk } = await shared();

const boundariesIn = (some) => some.filter(isBoundary).length;

/** A chat with `count` answered turns. */
async function answered(count, text = "/count 5") {
  const one = talk("talk");
  await one.open();
  for (let i = 0; i < count; i += 1) await one.turn(text);
  return one;
}

agentRow(65, async () => {
  const one = talk("talk");
  await one.open();
  const { answer, events } = await open(gw, one.chat);
  assert.equal(answer.headers.get("x-stream-version"), "v2");
  await one.submit("/count 10 5");
  const live = await recordsOf(events, (some) => boundariesIn(some) === 1);
  assert.deepEqual(live.map(({ seq_num: seq }) => seq), live.map((_, i) => live[0].seq_num + i));
  const types = live.map(chunkOf).filter(Boolean).map(({ type }) => type);
  assert.deepEqual(types, ["start", "start-step", "text-start", ...Array(10).fill("text-delta"),
    "text-end", "finish-step", "finish"]);
});

agentRow(66, async () => {
  const one = await answered(1, "/count 30");
  const full = (await one.records()).map(({ seqNum, data }) => [seqNum, data]);
  for (const { seqNum } of (await one.records()).filter((_, index) => index % 7 === 3)) {
    const { events } = await open(gw, one.chat, { headers: { "last-event-id": String(seqNum),
      "x-peek-settled": "1" } });
    const tail = (await recordsOf(events)).map((record) =>
      [record.seq_num, chunkOf(record) ?? null]);
    const before = full.filter(([seq]) => seq <= seqNum);
    const both = [...before, ...tail].map(([seq, data]) => [seq, data ?? null]);
    assert.deepEqual(both, full.map(([seq, data]) => [seq, data ?? null]), `after ${seqNum}`);
  }
});

agentRow(67, async () => {
  const one = await answered(3);
  const floor = await one.trimmed(2);
  const { answer, events } = await open(gw, one.chat, { headers: { "last-event-id": "0",
    "x-peek-settled": "1" } });
  assert.equal(answer.status, 200);
  const seen = await recordsOf(events);
  assert.ok(seen.length > 0 && seen[0].seq_num <= floor, "the earliest that is there, no error");
  assert.equal(boundariesIn(seen), (await one.turns()).filter(({ boundary }) =>
    boundary.seqNum >= seen[0].seq_num).length);
});

agentRow(68, async () => {
  const one = await answered(1);
  const { answer, events } = await open(gw, one.chat, { headers: { "timeout-seconds": "1" } });
  assert.equal(answer.status, 200);
  const last = [];
  for await (const { data } of events) last.push(data);
  assert.equal(last.at(-1), "[DONE]");
  const statuses = [];
  for (const bound of ["0", "601", "1", "600"]) {
    const { answer: bounded } = await open(gw, one.chat, { headers: { "timeout-seconds": bound } });
    statuses.push(bounded.status);
    await bounded.body?.cancel();
  }
  assert.deepEqual(statuses, [400, 400, 200, 200]);
});

agentRow(69, async () => {
  const settledOf = async (one) => {
    const { answer } = await open(gw, one.chat, { headers: { "x-peek-settled": "1" } });
    await answer.body.cancel();
    return answer.headers.get("x-session-settled");
  };
  const one = await answered(1);
  assert.equal(await settledOf(one), "true");
  const seq = await one.submit("/count 2000 10");
  await one.streaming();
  assert.equal(await settledOf(one), null, "in the middle of a turn");
  await one.stop();
  await one.covered(seq);
  await one.trimmed(1);
  assert.equal(await settledOf(one), "true", "also behind a trim record");
  await sessions.close(one.chat);
  await closings(gw, one.chat);
  assert.equal(await settledOf(one), "true", "also when closed");
});

agentRow(70, async () => {
  const one = await answered(3);
  await one.trimmed(2);
  const { events } = await open(gw, one.chat, { headers: { "x-peek-settled": "1",
    "last-event-id": "0" } });
  const streamed = await recordsOf(events);
  const stored = (await one.records()).filter(({ seqNum }) => seqNum > 0);
  assert.deepEqual(streamed.map((record) => [record.seq_num, chunkOf(record) ?? null]),
    stored.map(({ seqNum, data }) => [seqNum, data ?? null]));
  assert.ok(stored.every((record) => record.headers?.every(([name]) => name !== "") ?? true),
    "no command records");
  const inputs = await records(gw, one.chat, "in");
  assert.deepEqual(inputs.map(({ seqNum }) => seqNum), [0, 1, 2]);
});

agentRow(71, async () => {
  const one = talk("talk");
  await one.open();
  const readers = await Promise.all([open(gw, one.chat), open(gw, one.chat)]);
  const reading = readers.map(({ events }) =>
    recordsOf(events, (some) => boundariesIn(some) === 2));
  await one.turn("one");
  await one.turn("two");
  const [left, right] = await Promise.all(reading);
  assert.deepEqual(left, right);
  assert.equal(boundariesIn(left), 2, "one connection spans turns");
});

agentRow(73, async () => {
  const one = await answered(3);
  const [, second] = await one.turns();
  const floor = await one.trimmed(2);
  assert.equal(floor, second.boundary.seqNum, "the boundary of the turn before the last");
  const stream = await sessions.open(one.chat).out.read({ timeoutInSeconds: 1 });
  const seen = await all(stream);
  assert.equal(seen.filter(({ type }) => type === "start").length, 1, "the last turn, whole");
});

agentRow(74, async () => {
  const one = await answered(1);
  const { stream, send, granted } = await writer(one);
  const json = await send([{ body: JSON.stringify({ data: { type: "data-json" }, id: "j" }) }]);
  assert.equal(json.status, 200, await json.clone().text());
  const { start, end } = await json.json();
  assert.equal(end.seq_num, start.seq_num + 1);
  const unary = await stream.append(input("data-protobuf", "p"));
  assert.equal(unary.start.seqNum, end.seq_num, "protobuf goes on where JSON ended");
  const lanes = await Promise.all([stream.appendSession(), stream.appendSession()]);
  const acks = await Promise.all(lanes.map((lane, n) => flood(lane, n, 50)));
  await Promise.all(lanes.map((lane) => lane.close()));
  for (const seqs of acks) {
    assert.deepEqual(seqs, [...seqs].sort((a, b) => a - b), "acknowledged in order");
    assert.equal(seqs.length, 50);
  }
  const types = (await one.records()).map(({ data }) => data?.type);
  const flooded = types.filter((type) => /^data-lane-/.test(type ?? ""));
  assert.equal(flooded.length, 100, "every record of both streams, once");
  assert.ok(types.includes("data-json") && types.includes("data-protobuf"));
  assert.ok(granted.headers.get("x-s2-access-token"));
});

/** One chunk as bytes, which the published client sends as protobuf. */
const input = (type, id) => AppendInput.create([AppendRecord.bytes({
  body: new TextEncoder().encode(JSON.stringify({ data: { type }, id })) })]);

/** Credentials for `.out` of a chat, the published client on them, and raw JSON appends. */
async function writer({ chat }) {
  const granted = await call(gw, `/realtime/v1/sessions/${chat}/out`, { method: "PUT" });
  const [token, name, basin, endpoint] = ["access-token", "stream-name", "basin", "endpoint"]
    .map((key) => granted.headers.get(`x-s2-${key}`));
  const s2 = new S2({ accessToken: token, endpoints: { account: endpoint, basin: endpoint } });
  const stream = s2.basin(basin).stream(name);
  const url = `${endpoint}/streams/${encodeURIComponent(name)}/records`;
  const send = (some) => fetch(url, { method: "POST", body: JSON.stringify({ records: some }),
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json",
      "s2-basin": basin } });
  return { stream, send, granted };
}

async function flood(lane, n, count) {
  const tickets = [];
  for (let i = 0; i < count; i += 1) {
    tickets.push(await lane.submit(input(`data-lane-${n}`, `${n}-${i}`)));
  }
  const seqs = [];
  for (const ticket of tickets) seqs.push((await ticket.ack()).start.seqNum);
  return seqs;
}
