// The machine of the outbox, driven by a seed: in order, once, bounded.

import assert from "node:assert/strict";
import { test } from "node:test";
import { OutboxFullError, TidegateError } from "../../../dist/client/index.js";
import { OutboxMachine } from "../../../dist/client/state/outbox.js";
import { refusal } from "../../../dist/client/errors.js";
import { runSeed, seeded } from "../lib.mjs";

const RETRY = new TidegateError("unreachable", "", { retry: true });
const FINAL = new TidegateError("body_too_large", "", { status: 413 });

test("each session's appends are committed in order, once, whatever is lost", (t) => {
  const seed = runSeed(t);
  for (let run = 0; run < 300; run += 1) drive(seeded(seed + run));
});

/** A gateway that knows part ids; answers get lost, so do requests. */
function drive(random) {
  const machine = new OutboxMachine(random, { entries: 1000, bytes: 1 << 20 });
  const logs = new Map();
  const said = new Map();
  const refused = [];
  const flying = [];
  let saved = [];
  let now = 0;
  let parts = 0;
  const settle = () => {
    for (let output; (output = machine.poll()) !== undefined;) {
      if (output.do === "append") {
        assert.ok(!flying.some(({ session }) => session === output.entry.session), "two at once");
        flying.push(output.entry);
      } else if (output.do === "save") saved = output.entries;
      else if (output.tell === "failed") refused.push(output.entry.partId);
    }
    assert.deepEqual(saved.map(({ partId }) => partId).sort(),
      machine.pending.map(({ partId }) => partId).sort(), "what is saved is what is pending");
  };
  const land = (entry) => {
    const log = logs.get(entry.session) ?? logs.set(entry.session, []).get(entry.session);
    if (!log.includes(entry.partId)) log.push(entry.partId);
    return log.indexOf(entry.partId);
  };
  const answer = () => {
    const [entry] = flying.splice(Math.floor(random() * flying.length), 1);
    if (entry === undefined) return;
    const fate = random();
    if (fate < 0.5) machine.appended(entry, { seq: land(entry) }, now);
    else if (fate < 0.7) {
      land(entry);
      machine.failed(entry, RETRY, true, now);
    } else if (fate < 0.95) machine.failed(entry, RETRY, random() < 0.5, now);
    else machine.failed(entry, FINAL, true, now);
  };
  const steps = [
    () => {
      const session = `s${Math.floor(random() * 3)}`;
      const partId = `p${(parts += 1)}`;
      (said.get(session) ?? said.set(session, []).get(session)).push(partId);
      machine.add({ session, channel: "in", partId, body: "x" }, now);
    },
    answer, answer,
    () => machine.online(random() < 0.7, now),
    () => machine.wake(now),
    () => {
      now = Math.min(Math.max(now, machine.wakeAt()), now + 20_000);
      machine.tick(now);
    },
  ];
  for (let step = 0; step < 150; step += 1) {
    now += Math.floor(random() * 50);
    steps[Math.floor(random() * steps.length)]();
    settle();
  }
  machine.online(true, now);
  for (let step = 0; step < 10_000 && machine.pending.length > 0; step += 1) {
    settle();
    for (const entry of flying.splice(0)) machine.appended(entry, { seq: land(entry) }, now);
    if (machine.wakeAt() !== Infinity) now = Math.max(now, machine.wakeAt());
    machine.tick(now);
  }
  settle();
  assert.equal(machine.pending.length, 0);
  for (const [session, order] of said) {
    const log = (logs.get(session) ?? []).filter((partId) => !refused.includes(partId));
    assert.deepEqual(log, order.filter((partId) => !refused.includes(partId)));
  }
}

test("it is bounded in number and in bytes, and says so", () => {
  const machine = new OutboxMachine(() => 0, { entries: 2, bytes: 10 });
  machine.online(false, 0);
  const entry = (partId, body) => ({ session: "s", channel: "in", partId, body });
  machine.add(entry("a", "12345"), 0);
  assert.throws(() => machine.add(entry("b", "123456"), 0), OutboxFullError);
  machine.add(entry("c", "äö"), 0);
  assert.throws(() => machine.add(entry("d", ""), 0),
    { code: "outbox_full", entries: 2, bytes: 9 });
  assert.deepEqual(machine.pending.map(({ partId }) => partId), ["a", "c"]);
});

test("a rate limit is waited for, but not for ever", async () => {
  const refused = async (status, reset) => refusal(new Response("{}", { status,
    headers: { "x-should-retry": "true", "x-ratelimit-reset": String(reset) } }));
  for (const [status, reset, again] of [
    [429, 8000, 8000], [429, 4000, 5000], [429, 1e12, 35_000], [429, "soon", 5000],
    [503, 8000, 5000],
  ]) {
    const machine = new OutboxMachine(() => 0);
    const entry = { session: "s", channel: "in", partId: "a", body: "" };
    machine.add(entry, 0);
    machine.failed(machine.pending[0], await refused(status, reset), true, 5000);
    assert.equal(machine.wakeAt(), again, `${status}, ${reset}`);
  }
});

test("what may have been committed long ago is not sent again", () => {
  const machine = new OutboxMachine(() => 0);
  const entries = [{ session: "s", channel: "in", partId: "old", body: "", sentAt: 0 },
    { session: "s", channel: "in", partId: "new", body: "" }];
  machine.restore(entries, 3_600_000);
  const outputs = [];
  for (let output; (output = machine.poll()) !== undefined;) outputs.push(output);
  assert.deepEqual(outputs.filter(({ tell }) => tell === "failed")
    .map(({ entry, error }) => [entry.partId, error.code]), [["old", "outcome_unknown"]]);
  assert.deepEqual(outputs.filter((output) => output.do === "append")
    .map(({ entry }) => entry.partId), ["new"]);
});
