// The console's event stream parser against the standard, in every split.
import assert from "node:assert/strict";
import test from "node:test";
import { Parser } from "../../console/sse.js";

const STREAM =
  ": comment\n\nid: 1\nevent: batch\ndata: a\ndata:b\n\nevent: x\n\ndata\n\r\ndata: c\r\n\r\ndata: d\rid: 2\r\rdata: cut";
const EVENTS = [
  { event: "batch", data: "a\nb", id: "1" },
  { event: "message", data: "", id: "1" },
  { event: "message", data: "c", id: "1" },
  { event: "message", data: "d", id: "2" },
];

test("every split gives the same events", () => {
  for (let first = 0; first <= STREAM.length; first++) {
    for (let second = first; second <= STREAM.length; second++) {
      const parser = new Parser();
      const parts = [STREAM.slice(0, first), STREAM.slice(first, second), STREAM.slice(second)];
      const events = parts.flatMap((part) => [...parser.push(part)]);
      assert.deepEqual(events, EVENTS, `split at ${first} and ${second}`);
    }
  }
});
