import assert from "node:assert/strict";
import { test } from "node:test";
import { events } from "../../../dist/agent/sub-agent/events.js";
import { Forward } from "../../../dist/agent/sub-agent/forward.js";
import { childOf } from "../../../dist/agent/sub-agent/run.js";

test("a child's name depends on the chat and the call, and on nothing else", () => {
  assert.equal(childOf("c1", "call-1"), childOf("c1", "call-1"));
  const names = [["c1", "call-1"], ["c1", "call-2"], ["c2", "call-1"], ["c1c", "all-1"]]
    .map(([chat, call]) => childOf(chat, call));
  assert.equal(new Set(names).size, names.length);
  for (const name of names) assert.match(name, /^sub_[A-Za-z0-9_-]{32}$/);
});

test("batches are numbered, bounded, and hold every chunk once", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const written = [];
  const forward = new Forward("call-1", (chunk) => written.push(chunk));
  const delta = (text) => ({ type: "text-delta", id: "t", delta: text });
  forward.add(delta("a"));
  forward.add(delta("b"));
  assert.equal(written.length, 0);
  t.mock.timers.tick(50);
  assert.deepEqual(written, [{ type: "data-subagent", transient: true,
    data: { toolCallId: "call-1", seq: 0, chunks: [delta("a"), delta("b")] } }]);
  for (let index = 0; index < 5; index += 1) forward.add(delta("x".repeat(60_000)));
  forward.flush();
  forward.flush();
  t.mock.timers.tick(50);
  assert.deepEqual(written.map(({ data }) => [data.seq, data.chunks.length]),
    [[0, 2], [1, 2], [2, 2], [3, 1]]);
});

test("events are read however the bytes are cut", async () => {
  const text = ["event: ping\ndata: {}", 'id: 4\nevent: batch\ndata: {"a":"☃"}', "data: [DONE]", ""]
    .join("\n\n");
  const bytes = new TextEncoder().encode(text);
  for (let size = 1; size <= bytes.length; size += 1) {
    const body = (async function* () {
      for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
    })();
    const found = [];
    for await (const event of events(body)) found.push(event);
    assert.deepEqual(found, [{ event: "ping", data: "{}" },
      { event: "batch", data: '{"a":"☃"}' }, { event: "message", data: "[DONE]" }]);
  }
});
