import assert from "node:assert/strict";
import { test } from "node:test";
import { Outgoing } from "../../../dist/agent/outgoing.js";
import { WorkLostError } from "../../../dist/link/index.js";

/** The part of the link's `Work` that sends; `gate` holds frames back. */
function sink({ gate = Promise.resolve(), fail } = {}) {
  const frames = [];
  const send = async (frame) => {
    await gate;
    if (fail !== undefined) throw fail;
    frames.push(frame);
  };
  return { frames, work: { send } };
}

const delta = (text) => ({ type: "text-delta", id: "t", delta: text });

test("what is given in one go is one frame, and other frames keep their place", async () => {
  const { frames, work } = sink();
  const out = new Outgoing(work);
  for (const text of "ab") out.chunk(delta(text));
  out.frame({ t: "injected", inputs: [3] });
  out.chunk(delta("c"));
  await out.finish();
  assert.deepEqual(frames, [
    { t: "out", chunks: [delta("a"), delta("b")] },
    { t: "injected", inputs: [3] },
    { t: "out", chunks: [delta("c")] },
    { t: "done" },
  ]);
});

test("a large answer is split, and its producer waits for room", async () => {
  let open;
  const gate = new Promise((done) => (open = done));
  const { frames, work } = sink({ gate });
  const out = new Outgoing(work);
  for (let index = 0; index < 6; index += 1) out.chunk(delta("x".repeat(100_000)));
  let roomy = false;
  const room = out.room().then(() => (roomy = true));
  await new Promise((done) => setImmediate(() => setImmediate(done)));
  assert.equal(roomy, false);
  open();
  await room;
  await out.finish();
  assert.deepEqual(frames.map(({ chunks }) => chunks?.length), [2, 2, 2, undefined]);
});

test("what is no chunk is a typed error", () => {
  const out = new Outgoing(sink().work);
  for (const wrong of [null, 7, undefined, {}, { type: 1 }]) {
    assert.throws(() => out.chunk(wrong), { name: "TypeError", message: /strings and chunks/ });
  }
});

test("a turn that is lost tells its producer", async () => {
  const { work } = sink({ fail: new WorkLostError("t", "not_held") });
  const out = new Outgoing(work);
  out.chunk(delta("a"));
  await assert.rejects(out.finish(), { name: "WorkLostError" });
  await assert.rejects(out.room(), { name: "WorkLostError" });
  out.chunk(delta("b"));
});

test("an answer that failed ends with its error", async () => {
  const { frames, work } = sink();
  await new Outgoing(work).finish("out of order");
  assert.deepEqual(frames, [{ t: "done", error: "out of order" }]);
});
