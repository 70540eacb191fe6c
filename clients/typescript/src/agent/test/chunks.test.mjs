import assert from "node:assert/strict";
import { test } from "node:test";
import { streamOf, Texts, untilAborted } from "../../../dist/agent/chunks.js";

const all = async (source) => {
  const values = [];
  for await (const value of source) values.push(value);
  return values;
};

test("strings become one text part; a chunk ends it", () => {
  const texts = new Texts();
  const data = { type: "data-x", data: 1 };
  const chunks = ["a", "", "b", data, "c"].flatMap((given) => texts.chunks(given));
  assert.deepEqual([...chunks, ...texts.end(), ...texts.end()], [
    { type: "text-start", id: "text-1" },
    { type: "text-delta", id: "text-1", delta: "a" },
    { type: "text-delta", id: "text-1", delta: "b" },
    { type: "text-end", id: "text-1" },
    data,
    { type: "text-start", id: "text-2" },
    { type: "text-delta", id: "text-2", delta: "c" },
    { type: "text-end", id: "text-2" },
  ]);
});

test("everything that an agent may return is a stream", async () => {
  async function* generated() {
    yield "a";
  }
  const readable = new ReadableStream({
    start(controller) {
      controller.enqueue("a");
      controller.close();
    },
  });
  let given;
  const result = { toUIMessageStream: (options) => ((given = options), generated()) };
  for (const answer of ["a", generated(), readable, result]) {
    assert.deepEqual(await all(streamOf(answer, { sendReasoning: false })), ["a"]);
  }
  assert.deepEqual(given, { sendReasoning: false });
  assert.deepEqual(await all(streamOf(undefined, {})), []);
  for (const wrong of [{}, 7, true]) {
    assert.throws(() => streamOf(wrong, {}), { name: "TypeError" });
  }
});

test("an abort ends a stream that hangs, and asks it to end", async () => {
  const stop = new AbortController();
  let returned = false;
  const hanging = {
    [Symbol.asyncIterator]: () => ({
      next: () => new Promise(() => undefined),
      return: async () => {
        returned = true;
        return { done: true };
      },
    }),
  };
  const read = all(untilAborted(hanging, stop.signal));
  stop.abort(new Error("stopped"));
  await assert.rejects(read, /stopped/);
  assert.ok(returned);
  await assert.rejects(all(untilAborted(hanging, stop.signal)), /stopped/);
});
