// The worker's side of the link, frame by frame, with a clock of its own.

import assert from "node:assert/strict";
import { test } from "node:test";
import { LinkMachine } from "../../dist/link/index.js";

const LIMITS = { heartbeat_ms: 3000, lease_ms: 9000, resume_ms: 600, frame_max_bytes: 10_000 };

function machine({ window_bytes = 1000, capacity = 4 } = {}) {
  const agents = [{ id: "a", version: "1", mode: "turns" }];
  const subject = new LinkMachine({ worker: "w_1", agents, capacity }, () => 0.5);
  const outputs = () => {
    const all = [];
    for (let output; (output = subject.poll()); ) all.push(output);
    return all;
  };
  return {
    subject,
    outputs,
    sent: () => outputs().filter((o) => o.do === "send").map((o) => JSON.parse(o.text)),
    tells: () => outputs().filter((o) => o.tell),
    receive: (frame, at = 0) => subject.received(JSON.stringify(frame), at),
    welcome(work = [], at = 0) {
      this.receive({ t: "welcome", ...LIMITS, window_bytes, work }, at);
    },
    up(at = 0) {
      subject.start();
      subject.opened(at);
      this.welcome([], at);
      outputs();
    },
  };
}

const TURN = { t: "turn", id: "t_1", messages: [] };
const BOOT = { t: "boot", id: "run_1:1", run: "run_1", fence: 7, payload: {} };

test("hello names the worker, its agents and an epoch that grows", () => {
  const m = machine();
  m.subject.start();
  assert.deepEqual(m.outputs(), [{ do: "connect" }]);
  m.subject.opened(0);
  const [hello] = m.sent();
  assert.deepEqual(hello, {
    t: "hello", worker: "w_1", epoch: 1, capacity: 4,
    agents: [{ id: "a", version: "1", mode: "turns" }], work: [],
  });
  m.welcome();
  assert.deepEqual(m.outputs(), [{ tell: "up" }]);
  m.subject.closed({ code: 1006 }, 10);
  assert.deepEqual(m.outputs().map((o) => o.retryMs), [0]);
  m.subject.tick(10);
  m.subject.opened(10);
  assert.equal(m.sent()[0].epoch, 2);
});

test("retries wait longer and longer, to 5 s, and start again after a welcome", () => {
  const m = machine();
  m.subject.start();
  const waits = [];
  for (let n = 0, now = 0; n < 10; n += 1) {
    m.subject.closed({ error: { message: "refused" } }, now);
    waits.push(m.tells()[0].retryMs);
    now += waits.at(-1);
    m.subject.tick(now);
  }
  assert.deepEqual(waits, [0, 75, 150, 300, 600, 1200, 2400, 3750, 3750, 3750]);
  m.subject.opened(0);
  m.welcome();
  m.outputs();
  m.subject.closed({ code: 4001 }, 0);
  assert.equal(m.tells()[0].retryMs, 0);
});

test("it pings when it has nothing to say, and hangs up on a gateway that is silent", () => {
  const m = machine();
  m.up();
  assert.equal(m.subject.wakeAt(), 1800);
  m.subject.tick(1800);
  assert.deepEqual(m.sent(), [{ t: "ping" }]);
  m.receive({ t: "pong" }, 1900);
  m.subject.tick(3600);
  m.subject.tick(5400);
  m.subject.tick(10_899);
  m.outputs();
  m.subject.tick(10_900);
  const [close, down] = m.outputs();
  assert.deepEqual([close.do, close.code, down.tell], ["close", 4002, "down"]);
});

test("a worker that talks all the time still asks for an answer", () => {
  const m = machine();
  m.up();
  m.receive(BOOT);
  m.outputs();
  const sent = [];
  for (let now = 100; now <= 9100; now += 100) {
    m.subject.submit("run_1:1", { t: now % 200 ? "parked" : "unparked" }, now);
    m.subject.tick(now);
    for (const output of m.outputs()) {
      assert.notEqual(output.tell, "down");
      const { t } = JSON.parse(output.text);
      if (t === "ping") (sent.push(now), m.receive({ t: "pong" }, now + 1));
    }
  }
  assert.deepEqual(sent, [1800, 3700, 5600, 7500]);
});

test("frames of a piece of work are numbered from 1, and acks make room", () => {
  const m = machine({ window_bytes: 150 });
  m.up();
  m.receive(TURN);
  assert.equal(m.tells()[0].tell, "work");
  const out = { t: "out", chunks: [{ type: "text-delta", id: "x", delta: "abcdefgh" }] };
  assert.equal(m.subject.submit("t_1", out, 0), "sent");
  assert.equal(m.subject.submit("t_1", out, 0), "full");
  assert.deepEqual(m.sent().map((f) => [f.t, f.id, f.seq]), [["out", "t_1", 1]]);
  assert.equal(m.subject.settled("t_1"), false);
  m.receive({ t: "ack", id: "t_1", seq: 1 });
  assert.deepEqual(m.tells(), [{ tell: "progress", id: "t_1" }]);
  assert.equal(m.subject.settled("t_1"), true);
  assert.equal(m.subject.submit("t_1", { t: "done" }, 0), "sent");
  assert.deepEqual(m.sent(), [{ t: "done", id: "t_1", seq: 2 }]);
  assert.equal(m.subject.submit("t_1", out, 0), "lost");
  assert.equal(m.subject.over("t_1"), false);
  m.receive({ t: "ack", id: "t_1", seq: 2 });
  assert.equal(m.subject.over("t_1"), true);
});

test("one frame may always be on its way, but none over the frame limit", () => {
  const m = machine({ window_bytes: 100 });
  m.up();
  m.receive(TURN);
  const save = { t: "save", transcript: "x".repeat(5000) };
  assert.equal(m.subject.submit("t_1", save, 0), "sent");
  assert.equal(m.subject.submit("t_1", { t: "out", chunks: [] }, 0), "full");
  const huge = { t: "save", transcript: "x".repeat(10_000) };
  assert.equal(m.subject.submit("t_1", huge, 0), "too_large");
});

test("a resume sends again what the gateway does not have, and drops what it took away", () => {
  const m = machine();
  m.up();
  m.receive(TURN);
  m.receive(BOOT);
  m.subject.submit("t_1", { t: "out", chunks: [1] }, 0);
  m.subject.submit("t_1", { t: "out", chunks: [2] }, 0);
  m.subject.submit("t_1", { t: "out", chunks: [3] }, 0);
  m.subject.submit("run_1:1", { t: "ready" }, 0);
  m.subject.submit("run_1:1", { t: "parked", seen: 5 }, 0);
  m.receive({ t: "ack", id: "t_1", seq: 1 });
  m.outputs();
  m.subject.closed({ code: 1006 }, 0);
  m.subject.submit("t_1", { t: "out", chunks: [4] }, 0);
  m.subject.tick(0);
  m.subject.opened(0);
  assert.deepEqual(m.sent()[0].work, [
    { id: "t_1", acked: 1 },
    { id: "run_1:1", acked: 0, seen: 5, run: "run_1", fence: 7, parked: true },
  ]);
  m.welcome([{ id: "t_1", held: true, acked: 2 }, { id: "run_1:1", held: true, acked: 0 }]);
  assert.deepEqual(m.sent().map((f) => [f.t, f.seq ?? f.seen]), [
    ["out", 3], ["out", 4], ["ready", undefined], ["parked", 5],
  ]);
  m.subject.closed({ code: 1006 }, 0);
  m.subject.tick(0);
  m.subject.opened(0);
  m.outputs();
  m.welcome([{ id: "t_1", held: true, acked: 4 }, { id: "run_1:1", held: false }]);
  assert.deepEqual(m.tells().filter((o) => o.tell === "lost"), [
    { tell: "lost", id: "run_1:1", reason: "not_held" },
  ]);
});

test("records that were pushed before are not given twice", () => {
  const m = machine();
  m.up();
  m.receive(BOOT);
  m.outputs();
  const records = (...seqs) => seqs.map((seq_num) => ({ seq_num, body: "" }));
  m.receive({ t: "in", id: "run_1:1", records: records(3, 4) });
  m.receive({ t: "in", id: "run_1:1", records: records(4, 5) });
  m.receive({ t: "in", id: "run_1:1", records: records(5) });
  const seen = m.tells().map((o) => o.frame.records.map((r) => r.seq_num));
  assert.deepEqual(seen, [[3, 4], [5]]);
});

test("a cancelled turn is over at once, a cancelled run when it exits", () => {
  const m = machine();
  m.up();
  m.receive(TURN);
  m.receive(BOOT);
  m.outputs();
  m.receive({ t: "cancel", id: "t_1", reason: "stopped" });
  m.receive({ t: "cancel", id: "run_1:1", reason: "cancelled" });
  assert.deepEqual(m.tells().map((o) => [o.tell, o.id]), [
    ["frame", "t_1"], ["lost", "t_1"], ["frame", "run_1:1"],
  ]);
  assert.equal(m.subject.submit("t_1", { t: "out", chunks: [] }, 0), "lost");
  assert.equal(m.subject.submit("run_1:1", { t: "exit" }, 0), "sent");
});

test("a refused frame counts as acknowledged, but is sent again behind older ones", () => {
  const m = machine();
  m.up();
  m.receive(TURN);
  m.subject.submit("t_1", { t: "out", chunks: [1] }, 0);
  m.subject.submit("t_1", { t: "out", chunks: [2] }, 0);
  m.outputs();
  const refusal = { t: "error", id: "t_1", seq: 2, code: "record_too_large", message: "big" };
  m.receive(refusal);
  m.receive(refusal);
  assert.deepEqual(m.tells().filter((o) => o.tell === "refused"), [
    { tell: "refused", id: "t_1", seq: 2, code: "record_too_large", message: "big" },
  ]);
  m.subject.closed({ code: 1006 }, 0);
  m.subject.tick(0);
  m.subject.opened(0);
  m.outputs();
  m.welcome([{ id: "t_1", held: true, acked: 0 }]);
  assert.deepEqual(m.sent().map((f) => f.seq), [1, 2]);
  m.receive({ t: "ack", id: "t_1", seq: 1 });
  assert.equal(m.subject.settled("t_1"), true);
});

test("a gap or a full window loses the piece of work, not the link", () => {
  const m = machine();
  m.up();
  m.receive(TURN);
  m.outputs();
  m.receive({ t: "error", id: "t_1", seq: 3, code: "seq_gap", message: "gap" });
  assert.deepEqual(m.tells(), [{ tell: "lost", id: "t_1", reason: "seq_gap" }]);
  m.receive({ t: "turn", id: "t_2" });
  assert.equal(m.tells()[0].tell, "work");
});

test("a refused registration ends the link with the gateway's words", () => {
  const m = machine();
  m.subject.start();
  m.subject.opened(0);
  m.receive({ t: "error", code: "agent_conflict", message: "a is served by the configuration" });
  m.outputs();
  m.subject.closed({ code: 4500 }, 0);
  const [{ tell, error }] = m.tells();
  assert.equal(tell, "ended");
  assert.equal(error.code, "agent_conflict");
  assert.match(error.message, /served by the configuration/);
});

test("a bad key ends the link; a gateway that is not there yet does not", () => {
  const m = machine();
  m.subject.start();
  m.subject.closed({ status: 503 }, 0);
  assert.equal(m.tells()[0].tell, "down");
  m.subject.tick(0);
  m.subject.closed({ status: 401, error: { message: "unknown key" } }, 0);
  assert.equal(m.tells().find((o) => o.tell === "ended").error.code, "unauthorized");
});

test("goaway says when to come back", () => {
  const m = machine();
  m.up();
  m.receive({ t: "goaway", reconnect_ms: 750 });
  m.subject.closed({ code: 4003 }, 100);
  assert.equal(m.tells()[0].retryMs, 750);
  assert.equal(m.subject.wakeAt(), 850);
});

test("drain keeps what runs and ends when the gateway closes", () => {
  const m = machine();
  m.up();
  m.receive(TURN);
  m.outputs();
  m.subject.drain(0);
  assert.deepEqual(m.sent(), [{ t: "drain" }]);
  m.subject.closed({ code: 1006 }, 0);
  m.subject.tick(0);
  m.subject.opened(0);
  m.outputs();
  m.welcome([{ id: "t_1", held: true, acked: 0 }]);
  assert.deepEqual(m.sent(), [{ t: "drain" }]);
  m.subject.submit("t_1", { t: "done" }, 0);
  m.receive({ t: "ack", id: "t_1", seq: 1 });
  m.outputs();
  m.subject.closed({ code: 1000 }, 0);
  assert.deepEqual(m.tells(), [{ tell: "ended" }]);
});

test("a drained link that the gateway leaves open says bye", () => {
  const m = machine();
  m.up();
  m.subject.drain(0);
  m.outputs();
  assert.equal(m.subject.wakeAt(), 1800);
  m.subject.tick(2000);
  assert.deepEqual(m.sent(), [{ t: "bye" }]);
  assert.equal(m.subject.wakeAt(), undefined);
});

test("what is not a frame closes the connection, and the work is resumed", () => {
  const m = machine();
  m.up();
  m.receive(TURN);
  m.outputs();
  m.subject.received("[]", 5);
  assert.deepEqual(m.outputs().map((o) => o.do ?? o.tell), ["close", "down"]);
  m.subject.tick(5);
  m.subject.opened(5);
  assert.equal(m.sent()[0].work.length, 1);
});
