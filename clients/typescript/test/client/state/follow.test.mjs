// The machine of a subscription, driven by a seed through everything that can happen to it.

import assert from "node:assert/strict";
import { test } from "node:test";
import { TidegateError } from "../../../dist/client/index.js";
import { FollowMachine } from "../../../dist/client/state/follow.js";
import { Selector } from "../../../dist/client/state/selector.js";
import { runSeed, seeded } from "../lib.mjs";

const RUNS = 400;
const STEPS = 120;

test("whatever happens, it holds at most two reads, and comes back by itself", (t) => {
  const seed = runSeed(t);
  for (let run = 0; run < RUNS; run += 1) drive(seeded(seed + run), run);
});

/** Random steps, then a network that works: it must be live, over one read. */
function drive(random, run) {
  const selector = new Selector(["webtransport", "websocket", "sse"]);
  const machine = new FollowMachine(selector, { random, costly: (name) => name === "sse" });
  const open = new Map();
  let now = 1000;
  let ended = false;
  let refreshing = false;
  const settle = () => {
    for (let output; (output = machine.poll()) !== undefined;) {
      assert.ok(!ended || output.do === "close", `run ${run}: ${JSON.stringify(output)}`);
      if (output.do === "open") open.set(output.read, output.transport);
      else if (output.do === "close") assert.ok(open.delete(output.read), "closed twice");
      else if (output.do === "refresh") refreshing = true;
      else if (output.do === "probe") assert.ok(open.has(output.read), "a probe of nothing");
      else if (output.tell === "ended") ended = true;
      assert.ok(open.size <= 2, "more than two reads");
    }
  };
  machine.start(now);
  settle();
  const any = () => [...open.keys()][Math.floor(random() * open.size)];
  const end = (why) => {
    const id = any();
    if (id === undefined) return;
    open.delete(id);
    machine.endedRead(id, why, now);
  };
  const steps = [
    () => machine.opened(any() ?? 0, now),
    () => machine.progressed(any() ?? 0, Math.floor(random() * 100), now),
    () => machine.alive(any() ?? 0, now, Math.floor(random() * 200), 50),
    () => end({ why: "cut" }),
    () => end({ why: "cut", retryMs: 0 }),
    () => end({ why: "refused", error: new TidegateError("overloaded", "", { retry: true }) }),
    () => end({ why: "refused", token: "t", error: new TidegateError("unauthenticated", "") }),
    () => machine.leaving(any() ?? 0, random() * 500, now),
    () => machine.running(random() < 0.5),
    () => machine.held(random() < 0.2),
    () => machine.wake(now),
    () => machine.suspend(),
    () => machine.resume(now),
    () => machine.moveTo(["webtransport", "websocket", "sse"][Math.floor(random() * 3)], now),
    () => selector.proven(["webtransport", "websocket"][Math.floor(random() * 2)]),
    () => machine.preferences(now),
    () => {
      if (refreshing) machine.refreshed(true, undefined, now);
      refreshing = false;
    },
    () => (now = Math.max(now, Math.min(machine.wakeAt(), now + 30_000))),
    () => {
      for (let ticks = 0; machine.wakeAt() <= now; ticks += 1) {
        assert.ok(ticks < 5, "a timer that is due at once, again and again");
        machine.tick(now);
        settle();
      }
    },
  ];
  for (let step = 0; step < STEPS && !ended; step += 1) {
    now += Math.floor(random() * 400);
    steps[Math.floor(random() * steps.length)]();
    settle();
  }
  machine.resume(now);
  if (refreshing) machine.refreshed(true, undefined, now);
  machine.running(false);
  machine.held(false);
  settle();
  for (let step = 0; step < 40 && !ended; step += 1) {
    for (const id of [...open.keys()]) {
      machine.opened(id, now);
      machine.alive(id, now);
    }
    settle();
    if (machine.transport !== undefined && open.size === 1) return;
    now = Math.max(now + 1, machine.wakeAt());
    machine.tick(now);
    settle();
  }
  assert.ok(ended, `run ${run}: not live again: ${JSON.stringify([...open])}`);
}

test("a refused credential is refreshed once; the second refusal is the end", () => {
  const selector = new Selector(["sse"]);
  const machine = new FollowMachine(selector, { random: () => 0, costly: () => true });
  const refused = { why: "refused", token: "t",
    error: new TidegateError("unauthorized", "no", { status: 403 }) };
  machine.start(0);
  machine.endedRead(1, refused, 1);
  machine.refreshed(true, undefined, 2);
  machine.endedRead(2, refused, 3);
  const outputs = all(machine);
  assert.deepEqual(outputs.filter(({ do: what }) => what === "refresh"),
    [{ do: "refresh", token: "t" }]);
  assert.equal(outputs.at(-1).error.code, "unauthorized");
});

for (const [status, code] of [[400, "invalid_cursor"], [404, "session_not_found"], [410, "gone"]]) {
  test(`${status} ends a read for good`, () => {
    const selector = new Selector(["sse"]);
    const machine = new FollowMachine(selector, { random: () => 0, costly: () => true });
    machine.start(0);
    machine.endedRead(1, { why: "refused", error: new TidegateError(code, "", { status }) }, 1);
    assert.equal(all(machine).at(-1).error.code, code);
    assert.equal(machine.wakeAt(), Infinity);
  });
}

test("a path that is silent while a turn runs is left within three seconds", () => {
  const selector = new Selector(["websocket", "sse"]);
  selector.proven("websocket");
  const machine = new FollowMachine(selector, { random: () => 0, costly: () => false });
  machine.start(0);
  machine.opened(1, 0);
  machine.running(true);
  machine.progressed(1, 5, 100);
  const doing = [];
  for (let now = 100; now < 3100; now += 10) {
    machine.tick(now);
    for (const output of all(machine)) doing.push([now, output.do, output.transport]);
  }
  const moved = doing.find(([, what, to]) => what === "open" && to === "sse");
  assert.ok(moved !== undefined && moved[0] <= 3100, JSON.stringify(doing));
  assert.equal(doing.some(([, what]) => what === "close"), false, "the old one is kept until then");
});

test("records that are known to exist and do not come count as silence", () => {
  const selector = new Selector(["websocket", "sse"]);
  selector.proven("websocket");
  const machine = new FollowMachine(selector, { random: () => 0, costly: () => false });
  machine.start(0);
  machine.opened(1, 0);
  machine.running(true);
  let moved;
  for (let now = 0; now < 3000 && moved === undefined; now += 50) {
    machine.alive(1, now, 10, 4);
    machine.tick(now);
    if (all(machine).some(({ do: what, transport }) => what === "open" && transport === "sse")) {
      moved = now;
    }
  }
  assert.ok(moved !== undefined && moved <= 2000, String(moved));
});

function all(machine) {
  const outputs = [];
  for (let output; (output = machine.poll()) !== undefined;) outputs.push(output);
  return outputs;
}
