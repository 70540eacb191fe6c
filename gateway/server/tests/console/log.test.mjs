// A session rebuilt from its records: order, steering, tools, and inputs that come late.
import assert from "node:assert/strict";
import test from "node:test";
import { Log } from "../../console/log.js";

let seq = 0;
const out = (chunk) => ({
  seq_num: seq++,
  headers: [],
  body: JSON.stringify({ data: chunk, id: "x" }),
});
const boundary = (floor) => ({
  seq_num: seq++,
  body: "",
  headers: [
    ["trigger-control", "turn-complete"],
    ["session-in-event-id", String(floor)],
  ],
});
const user = (id, text) => ({
  kind: "message",
  payload: {
    trigger: "submit-message",
    message: { id, role: "user", parts: [{ type: "text", text }] },
  },
});
const answer = (id, text) => [
  out({ type: "start", messageId: id }),
  out({ type: "start-step" }),
  out({ type: "text-start", id: "t" }),
  ...[...text].map((delta) => out({ type: "text-delta", id: "t", delta })),
  out({ type: "text-end", id: "t" }),
  out({ type: "finish-step" }),
  out({ type: "finish" }),
];
const texts = (log) =>
  log.view.map(
    (message) => `${message.role}: ${message.parts.map((part) => part.text ?? "").join("")}`,
  );

test("a late input lands before its answer, whichever came first", () => {
  const records = [...answer("a1", "hi"), boundary(0), ...answer("a2", "ho")];
  for (let at = 0; at <= records.length; at++) {
    const log = new Log();
    records.slice(0, at).forEach((record) => log.output(record));
    log.input(0, user("u1", "one"));
    log.input(1, user("u2", "two"));
    records.slice(at).forEach((record) => log.output(record));
    assert.deepEqual(
      texts(log),
      ["user: one", "assistant: hi", "user: two", "assistant: ho"],
      `at ${at}`,
    );
    assert.equal(log.busy, true);
    log.output(boundary(1));
    assert.equal(log.busy, false);
    assert.equal(log.input(1, user("u2", "two")), false);
  }
});

test("an input that waits is shown after the answer that runs", () => {
  const log = new Log();
  log.input(0, user("u1", "one"));
  answer("a1", "hi").forEach((record) => log.output(record));
  log.input(1, user("u2", "two"));
  assert.deepEqual(texts(log), ["user: one", "assistant: hi", "user: two"]);
  assert.equal(log.view.at(-1).queued, true);
});

test("an edited message takes the place of what followed it", () => {
  const log = new Log();
  log.input(0, user("u1", "one"));
  [...answer("a1", "hi"), boundary(0)].forEach((record) => log.output(record));
  log.input(1, user("u1", "uno"));
  [...answer("a2", "ho"), boundary(1)].forEach((record) => log.output(record));
  assert.deepEqual(texts(log), ["user: uno", "assistant: ho"]);
});

test("regenerating replaces the last answer", () => {
  const log = new Log();
  log.input(0, user("u1", "one"));
  [...answer("a1", "hi"), boundary(0)].forEach((record) => log.output(record));
  log.input(1, { kind: "message", payload: { trigger: "regenerate-message", messageId: "a1" } });
  [...answer("a2", "ho"), boundary(1)].forEach((record) => log.output(record));
  assert.deepEqual(texts(log), ["user: one", "assistant: ho"]);
});

test("a stop and a preload ask for nothing", () => {
  const log = new Log();
  log.input(0, { kind: "stop" });
  log.input(1, { kind: "message", payload: { trigger: "preload" } });
  log.input(2, "raw text");
  assert.equal(log.busy, false);
});

test("an approval goes on with the same message", () => {
  const log = new Log();
  log.input(0, user("u1", "ship"));
  const call = { toolCallId: "c1", toolName: "ship" };
  const records = [
    out({ type: "start", messageId: "a1" }),
    out({ type: "tool-input-start", ...call }),
    out({ type: "tool-input-available", ...call, input: { item: "boat" } }),
    out({ type: "tool-approval-request", approvalId: "ap", toolCallId: "c1" }),
    boundary(0),
  ];
  records.forEach((record) => log.output(record));
  const part = () => log.messages.at(-1).parts[0];
  assert.equal(part().state, "approval-requested");
  const parts = [
    {
      type: "tool-ship",
      toolCallId: "c1",
      state: "approval-responded",
      approval: { id: "ap", approved: true },
    },
  ];
  const slim = { id: "a1", role: "assistant", parts };
  log.input(1, { kind: "message", payload: { trigger: "submit-message", message: slim } });
  log.output(out({ type: "start", messageId: "a1" }));
  assert.equal(part().state, "approval-responded");
  log.output(out({ type: "tool-output-available", toolCallId: "c1", output: { sent: true } }));
  log.output(boundary(1));
  assert.deepEqual(
    [part().state, part().output, part().input],
    ["output-available", { sent: true }, { item: "boat" }],
  );
  assert.equal(log.messages.length, 2);
});
