// The machine of one duplex connection: close codes, credentials, and a gateway that says anything.

import assert from "node:assert/strict";
import { test } from "node:test";
import { DuplexMachine } from "../../../dist/client/transports/duplex-machine.js";
import { runSeed, seeded } from "../lib.mjs";

const OUT = { session: "s", channel: "out" };

function up(token) {
  const machine = new DuplexMachine(0, token);
  machine.opened(0);
  machine.received('{"t":"welcome","silence_ms":30000}', 0, 0);
  all(machine);
  return machine;
}

function all(machine) {
  const outputs = [];
  for (let output; (output = machine.poll()) !== undefined;) outputs.push(output);
  return outputs;
}

const sent = (outputs) =>
  outputs.filter((output) => output.do === "send").map(({ frame }) => frame);

for (const [code, end] of [
  [1001, "cut"], [1006, "cut"], [4002, "cut"], [4003, "cut"], [4004, "cut"], [4400, "cut"],
  [4001, "unauthenticated"], [4500, "unauthenticated"],
  [4503, "closed_4503"], [4505, "closed_4505"], [4999, "closed_4999"], [5000, "cut"],
]) {
  test(`close code ${code}: ${end}`, () => {
    const machine = up("t");
    const key = machine.read(OUT, "t");
    machine.append({ ...OUT, channel: "in", partId: "p", body: "" }, "t", 0);
    all(machine);
    machine.closed({ code });
    const outputs = all(machine);
    const ended = outputs.find(({ tell }) => tell === "ended");
    assert.equal(ended.key, key);
    assert.equal(ended.end.why === "cut" ? "cut" : ended.end.error.code, end);
    const failed = outputs.find(({ tell }) => tell === "failed");
    assert.equal(failed.error.retry, end === "cut", "an append comes again after a cut");
    assert.equal(machine.wakeAt(), Infinity);
  });
}

test("a session's token is told before it is needed, once, and again when it is another", () => {
  const machine = up(undefined);
  machine.read(OUT, "one");
  machine.read(OUT, "one");
  machine.read(OUT, "two");
  const frames = sent(all(machine)).map(({ t, token }) => token ?? t);
  assert.deepEqual(frames, ["one", "subscribe", "subscribe", "two", "subscribe"]);
});

test("a read says what it has by its cursor, or that it has nothing and wants everything", () => {
  const machine = up("t");
  const asked = [{}, { start: "latest" }, { after: -1, start: "latest" }, { after: 0 }];
  for (const one of asked) machine.read({ ...OUT, ...one }, "t");
  const said = sent(all(machine)).map(({ start, after, from }) =>
    ({ ...(start && { start }), ...(after !== undefined && { after }),
      ...(from !== undefined && { from }) }));
  assert.deepEqual(said, [{}, { start: "latest" }, { from: 0 }, { after: 0 }]);
});

test("a credential is renewed before its end", () => {
  const machine = up(undefined);
  machine.read(OUT, "one");
  const [{ id }] = sent(all(machine));
  machine.received(JSON.stringify({ t: "ack", id, expires_at: 1_100_000 }), 1000, 1_000_000);
  // It lives for 100 s; the connection is not silent meanwhile.
  machine.received('{"t":"ping","n":1}', 70_000, 1_069_000);
  all(machine);
  assert.equal(machine.wakeAt(), 81_000);
  machine.tick(81_000);
  assert.deepEqual(all(machine), [{ tell: "expiring", session: "s" }]);
});

test("an append without an answer, a silent gateway and a lost pong are noticed", () => {
  const append = up("t");
  append.append({ ...OUT, channel: "in", partId: "p", body: "" }, "t", 0);
  all(append);
  append.tick(15_000);
  assert.equal(all(append)[0].error.code, "unreachable");

  const silent = up("t");
  silent.tick(30_000);
  assert.deepEqual(all(silent).map((output) => output.do ?? output.tell), ["close", "down"]);

  const lost = up("t");
  lost.ping(0);
  lost.ping(1);
  assert.equal(sent(all(lost)).length, 1, "one ping at a time");
  lost.tick(3000);
  assert.deepEqual(all(lost).map((output) => output.do ?? output.tell), ["close", "down"]);
});

test("whatever the gateway says, each read ends once, and nothing comes behind its end", (t) => {
  const seed = runSeed(t);
  for (let run = 0; run < 500; run += 1) anything(seeded(seed + run));
});

function anything(random) {
  const machine = up(undefined);
  const open = new Set();
  const asked = new Set();
  let over = false;
  const settle = () => {
    for (const output of all(machine)) {
      if (output.tell === "down") over = true;
      if (["opened", "records", "gap", "alive"].includes(output.tell)) {
        assert.ok(open.has(output.key), `${output.tell} of what is not open`);
      }
      if (output.tell === "ended") assert.ok(open.delete(output.key), "it ended twice");
      if (output.tell === "appended" || output.tell === "failed") {
        assert.ok(asked.delete(output.key), "it was answered twice");
      }
    }
  };
  const id = () => Math.floor(random() * 12);
  const frames = [
    () => ({ t: "ack", id: id(), seq: 3, tail: 5, from: 0 }),
    () => ({ t: "batch", id: id(), records: [] }),
    () => ({ t: "gap", id: id(), from: 1, to: 2, reason: "retention" }),
    () => ({ t: "error", id: id(), code: "unauthenticated", message: "" }),
    () => ({ t: "error", code: "draining", message: "" }),
    () => ({ t: "pong", n: 1, tails: { 3: 9 } }),
    () => ({ t: "ping", n: 1 }),
    () => ({ t: "goaway", reconnect_ms: 5 }),
    () => ({ t: "welcome" }),
    () => ({ t: "news" }),
    () => ({ t: 5 }),
  ];
  for (let step = 0; step < 100 && !over; step += 1) {
    const choice = random();
    if (choice < 0.15) open.add(machine.read(OUT, random() < 0.5 ? "a" : "b"));
    else if (choice < 0.3) {
      asked.add(machine.append({ ...OUT, channel: "in", partId: "p", body: "" }, "a", step));
    } else if (choice < 0.35) {
      const [key] = open;
      open.delete(key);
      machine.leave(key);
    } else {
      const frame = frames[Math.floor(random() * (random() < 0.99 ? 10 : 11))]();
      machine.received(JSON.stringify(frame), step, step);
    }
    settle();
  }
  machine.closed({ code: 1006 });
  settle();
  assert.deepEqual([open.size, asked.size], [0, 0], "something is left open");
}

for (const [what, frame] of [
  ["a batch without records", { t: "batch" }],
  ["a record without a place", { t: "batch", records: [{ seq_num: -1 }] }],
  ["no record", { t: "batch", records: [null] }],
  ["a gap from nowhere", { t: "gap", from: "a", to: 9, reason: "epoch" }],
]) {
  test(`${what} ends the connection, and the read is cut`, () => {
    const machine = up("t");
    const id = machine.read(OUT, "t");
    all(machine);
    machine.received(JSON.stringify({ ...frame, id }), 0, 0);
    const outputs = all(machine);
    assert.ok(outputs.some((output) => output.do === "close"));
    assert.equal(outputs.find(({ tell }) => tell === "ended").end.why, "cut");
  });
}
