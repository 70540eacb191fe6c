import assert from "node:assert/strict";
import { test } from "node:test";
import { Pending } from "../../../dist/agent/pending.js";

const message = (text) => ({ id: text, role: "user", parts: [{ type: "text", text }] });
const model = (text) => ({ role: "user", content: [{ type: "text", text }] });
const record = (seq, said) =>
  ({ seq_num: seq, body: JSON.stringify({ data: JSON.stringify(said), id: "p" }) });
const submit = (seq, text, payload = {}) =>
  record(seq, { kind: "message", payload: { message: message(text), ...payload } });

function pending() {
  const accepted = [];
  return { accepted, inbox: new Pending((seqs) => accepted.push(seqs)) };
}

test("messages are accepted once; other inputs are none", () => {
  const { accepted, inbox } = pending();
  inbox.add([submit(3, "a"), record(4, { kind: "stop" }), record(5, "text"),
    { seq_num: 6, body: "no envelope" }, submit(7, "b", { trigger: "regenerate-message" }),
    submit(8, "c", { trigger: "submit-message" })]);
  assert.deepEqual(inbox.messages, [message("a"), message("c")]);
  assert.deepEqual(inbox.accept(), [message("a"), message("c")]);
  assert.deepEqual(inbox.accept(), []);
  assert.deepEqual(accepted, [[3, 8]]);
});

test("messages are read as they come, until the turn ends", async () => {
  const { accepted, inbox } = pending();
  const read = (async () => {
    const texts = [];
    for await (const { id } of inbox) texts.push(id);
    return texts;
  })();
  inbox.add([submit(1, "a")]);
  inbox.add([submit(2, "b")]);
  await new Promise((done) => setImmediate(done));
  inbox.end();
  inbox.add([submit(3, "late")]);
  assert.deepEqual(await read, ["a", "b"]);
  assert.deepEqual(accepted, [[1], [2]]);
});

test("steered messages keep their place when a step begins anew", () => {
  const { inbox } = pending();
  const base = [model("question")];
  assert.deepEqual(inbox.prepareStep({ messages: base }).messages, base);
  inbox.add([submit(1, "a")]);
  const second = [...base, { role: "assistant", content: "1" }];
  assert.deepEqual(inbox.prepareStep({ messages: second }).messages, [...second, model("a")]);
  inbox.add([submit(2, "b")]);
  const third = [...second, { role: "tool", content: [] }];
  assert.deepEqual(inbox.prepareStep({ messages: third }).messages,
    [...second, model("a"), third[2], model("b")]);
});

test("and when a step begins with what the one before was given", () => {
  const { inbox } = pending();
  inbox.add([submit(1, "a")]);
  const { messages } = inbox.prepareStep({ messages: [model("question")] });
  const next = [...messages, { role: "assistant", content: "1" }];
  assert.deepEqual(inbox.prepareStep({ messages: next }).messages, next);
});
