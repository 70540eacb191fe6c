// Cursors: nothing twice, nothing missing unseen, whatever overlaps.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Position } from "../../../dist/client/state/position.js";
import { runSeed, seeded } from "../lib.mjs";

const record = (seq_num, headers = []) => ({ seq_num, timestamp: 0, body: `${seq_num}`, headers });
const log = Array.from({ length: 200 }, (_, seq) => record(seq));

test("overlapping reads from any cursor give the log once", (t) => {
  const random = seeded(runSeed(t));
  for (let run = 0; run < 300; run += 1) {
    const first = Math.floor(random() * 50) - 1;
    const position = new Position(first < 0 ? undefined : first);
    const got = [];
    // Reads begin at or before the cursor, go on for a while, and mix.
    let reads = [];
    while (position.cursor !== log.length - 1) {
      if (reads.length < 2) {
        const from = Math.max(0, (position.cursor ?? -1) + 1 - Math.floor(random() * 5));
        reads.push({ next: from, left: Math.floor(random() * 40) });
      }
      const read = reads[Math.floor(random() * reads.length)];
      // A read gives nothing that skips what another one has not brought yet.
      const count = Math.min(read.left, 1 + Math.floor(random() * 10));
      for (const one of position.take(log.slice(read.next, read.next + count), false)) {
        assert.ok("record" in one, `a gap: ${JSON.stringify(one)}`);
        got.push(one.record.seq_num);
      }
      read.next += count;
      read.left -= count;
      reads = reads.filter(({ left }) => left > 0);
    }
    assert.deepEqual(got, log.slice(first + 1).map(({ seq_num }) => seq_num));
  }
});

test("over SSE a jump is a gap, but for commands behind a boundary", () => {
  const position = new Position(4);
  assert.deepEqual(position.take([record(9)], false),
    [{ gap: { from: 5, to: 9, reason: "retention" } }, { record: record(9) }]);
  const boundary = record(10, [["trigger-control", "turn-complete"]]);
  assert.deepEqual(position.take([boundary, record(12)], false),
    [{ record: boundary }, { record: record(12) }]);
  const next = record(2 ** 32);
  assert.deepEqual(position.take([next], false),
    [{ gap: { from: 13, to: 2 ** 32, reason: "epoch" } }, { record: next }]);
});

test("a gap that the gateway names is told once, as far as it is news", () => {
  const position = new Position(4);
  assert.deepEqual(position.skip({ from: 3, to: 9, reason: "retention" }),
    { from: 5, to: 9, reason: "retention" });
  assert.equal(position.skip({ from: 3, to: 9, reason: "retention" }), undefined);
  assert.equal(position.cursor, 8);
  assert.deepEqual(position.take([record(8), record(9), record(12)], true),
    [{ record: record(9) }, { record: record(12) }]);
});

test("an epoch shows in the numbers, whatever the transport says", () => {
  const position = new Position(3);
  assert.deepEqual(position.take([record(2 ** 32)], true),
    [{ gap: { from: 4, to: 2 ** 32, reason: "epoch" } }, { record: record(2 ** 32) }]);
  assert.deepEqual(new Position(undefined).take([record(2 ** 32)], true),
    [{ record: record(2 ** 32) }]);
});

test("commands are not shown, and move the cursor", () => {
  const position = new Position(undefined);
  assert.deepEqual(position.take([record(3, [["", "trim"]]), record(4)], true),
    [{ record: record(4) }]);
});

test("what comes between an empty beginning and the first record is not missed unseen", () => {
  const position = new Position(undefined);
  position.begin(0);
  assert.equal(position.cursor, -1);
  assert.deepEqual(position.take([record(7)], true),
    [{ gap: { from: 0, to: 7, reason: "retention" } }, { record: record(7) }]);
});
