// Rows 7, 10–12, 17–23, 31–33, 72, 91: how inputs become turns.

import assert from "node:assert/strict";
import { mint, say } from "../lib/chats.mjs";
import { call, claims } from "../lib/wire.mjs";
import { agentRow } from "./lib/row.mjs";
import { isBoundary, open, recordsOf } from "./lib/sse.mjs";
import { shared } from "./lib/stage.mjs";
import { messageText } from "./lib/talk.mjs";

const { gw, talk } = await shared();

const ONE_ANSWER = ["start", "start-step", "text-start", "text-delta", "text-end", "finish-step",
  "finish"];

agentRow(7, async () => {
  const one = talk("talk");
  await one.open();
  await one.turn("hi");
  const { headers } = await boundaryAs(one, await mint(one.chat));
  const rolled = headers.find(([name]) => name === "public-access-token")?.[1];
  assert.ok(claims(rolled).scopes.includes(`write:sessions:${one.chat}`));
  const appended = await call(gw, `/realtime/v1/sessions/${one.chat}/in/append`, {
    bearer: rolled, json: { kind: "message", payload: { chatId: one.chat,
      trigger: "submit-message", message: say("with the new token") } } });
  assert.equal(appended.status, 200);
  await one.covered((await appended.json()).seq);
});

/** The last boundary of a chat, as a reader with `bearer` gets it. */
async function boundaryAs({ chat }, bearer) {
  const { events } = await open(gw, chat, { bearer, headers: { "x-peek-settled": "1" } });
  return (await recordsOf(events)).findLast(isBoundary);
}

agentRow(10, async () => {
  const one = talk("talk");
  await one.open({ trigger: "submit-message", message: say("in the payload") });
  const [first] = await one.settled(1);
  assert.equal(first.text, "heard in the payload");
  const second = await one.turn("on .in");
  assert.equal(second.text, "heard in the payload | on .in");
  assert.equal((await one.turns()).length, 2, "answered once");
  for (const { fate } of await one.fates()) assert.notEqual(fate, null);
});

agentRow(11, async () => {
  const one = talk("talk");
  await one.open();
  const seq = await one.submit("hi");
  const turn = await one.covered(seq);
  assert.deepEqual(turn.types, ONE_ANSWER);
  assert.ok(turn.floor >= seq);
  assert.equal(turn.text, "heard hi");
  const other = await talk("talk").ask("through the published transport");
  assert.deepEqual(other.map(({ type }) => type), ONE_ANSWER);
});

agentRow(12, async () => {
  const one = talk("talk");
  await one.open();
  await one.submit("/count 300 10");
  await one.streaming();
  await one.submit("second");
  await one.submit("third");
  const turns = await one.settled(3);
  assert.deepEqual(turns.map(({ floor, consumed }) => [floor, consumed]), [[0, 2], [1, 2], [2, 2]]);
  assert.equal(turns[2].text, "heard /count 300 10 | second | third");
});

agentRow(17, async () => {
  const one = talk("talk");
  await one.open();
  await one.append({ kind: "whatever", data: 1 });
  await one.append("not even { JSON");
  const raw = await call(gw, `/realtime/v1/sessions/${one.chat}/in/append`,
    { method: "POST", body: "{ broken" });
  assert.equal(raw.status, 200);
  const turn = await one.turn("hi");
  assert.equal(turn.text, "heard hi");
  assert.deepEqual((await one.turns()).length, 1);
  assert.deepEqual((await one.fates()).map(({ fate }) => fate),
    ["consumed", "consumed", "consumed", "answered"]);
});

agentRow(18, async () => {
  const one = talk("talk");
  await one.open();
  const first = await one.turn("hi");
  const again = await one.covered(await one.payload({ trigger: "regenerate-message" }));
  assert.equal(again.text, "heard hi");
  assert.notEqual(idOf(again), idOf(first), "the new answer has a new id");
  const stored = await one.saved((some) => some.at(-1)?.id === idOf(again));
  assert.deepEqual(stored.map(({ role }) => role), ["user", "assistant"]);
});

const idOf = ({ chunks }) => chunks.find(({ type }) => type === "start").messageId;

/** A chat of the editor with two answered turns. */
async function edited() {
  const one = talk("editor");
  await one.open();
  await one.turn(say("one", "u1"));
  await one.turn(say("two", "u2"));
  await one.saved((some) => some.length === 4);
  return one;
}

const act = async (one, action, more = {}) =>
  one.covered(await one.payload({ trigger: "action", action, ...more }));

agentRow(19, async () => {
  const one = await edited();
  await act(one, { type: "replace", id: "u1", text: "corrected" });
  const stored = await one.saved((some) => messageText(some[0]) === "corrected");
  assert.deepEqual([stored.length, stored[0].id], [4, "u1"], "at the same position");
  assert.equal((await one.turn("three")).text, "heard corrected | two | three");
});

agentRow(19, async () => {
  const one = await edited();
  const again = await one.turn(say("other words", "u1"));
  assert.deepEqual(again.types, [], "the SDK leaves a known user message as it is");
  assert.equal((await one.turn("three")).text, "heard one | two | three");
}, { detail: "a known id sent again" });

agentRow(20, async () => {
  const one = await edited();
  const undone = await act(one, { type: "undo" });
  assert.deepEqual(undone.types, []);
  assert.equal((await one.saved((some) => some.length === 2)).length, 2);
  await act(one, { type: "replace", id: "u1", text: "uno" });
  await one.saved((some) => messageText(some[0]) === "uno");
  const next = await one.turn("three");
  assert.equal(next.text, "heard uno | three");
  await one.noted("onTurnComplete", 3);
  assert.deepEqual(one.notes("onTurnComplete").map(({ turn }) => turn), [0, 1, 2],
    "actions count no turn");
});

agentRow(21, async () => {
  for (const bearer of [gw.key, "public"]) {
    const one = await edited();
    const forged = await call(gw, `/realtime/v1/sessions/${one.chat}/in/append`, {
      bearer: bearer === "public" ? await mint(one.chat) : bearer,
      json: { kind: "message", payload: { chatId: one.chat, trigger: "action",
        action: { type: "order.event", event: {} }, actionSource: "webhook" } } });
    const { types } = await one.covered((await forged.json()).seq);
    assert.deepEqual(types, ["error"], "the schema was not passed by");
    assert.equal(one.notes("onAction").length, 0);
  }
});

agentRow(22, async () => {
  const one = await edited();
  const asked = await act(one, { type: "ask", text: "three" });
  assert.deepEqual(asked.types, ONE_ANSWER);
  assert.equal(asked.text, "heard one | two | three");
  const again = await act(one, { type: "again" });
  assert.equal(again.text, "heard one | two | three");
  assert.deepEqual(one.notes("run").slice(2).map(({ trigger }) => trigger),
    ["action-turn", "action-turn"]);
});

agentRow(23, async () => {
  const one = await edited();
  const invalid = await act(one, { type: "bogus" });
  assert.deepEqual(invalid.types, ["error"]);
  const other = talk("strict", { clientData: { userId: "u" } });
  await other.open();
  const bad = await other.covered(await other.payload({ trigger: "submit-message",
    message: say("hi"), metadata: { userId: 7 } }));
  assert.deepEqual(bad.types, ["error"]);
  assert.equal((await other.turn("now right")).types.at(-1), "finish");
});

agentRow(31, async () => {
  const one = talk("talk");
  await one.open();
  await one.turn(say("hi", "u1"));
  const stored = await one.saved((some) => some.length === 2);
  const again = await one.turn({ ...stored[1] });
  assert.deepEqual(again.types, [], "a bare boundary, no model call");
  assert.equal((await one.turns()).length, 2);
});

agentRow(32, async () => {
  const one = talk("faulty");
  await one.open();
  for (const [text, error] of [["/throw", "run failed"], ["/throw in a hook", "hook failed"]]) {
    const { types, chunks } = await one.turn(text);
    assert.deepEqual([types, chunks[0].errorText], [["error"], error]);
  }
  assert.ok((await one.turn("fine")).text.endsWith("fine"));
});

agentRow(33, async () => {
  const one = talk("talk");
  await one.open();
  const { types, chunks } = await one.turn("/fail");
  assert.deepEqual([types[0], types.includes("error")], ["start", true]);
  assert.equal(chunks.find(({ type }) => type === "error").errorText, "the model is out of order");
  assert.ok((await one.turn("fine")).text.endsWith("fine"));
});

agentRow(72, async () => {
  const one = talk("talk");
  await one.open();
  for (let n = 0; n < 3; n += 1) {
    const seq = await one.submit(`m${n}`);
    const { floor, consumed } = await one.covered(seq);
    assert.deepEqual([floor, consumed], [seq, seq]);
  }
  await one.append({ kind: "opaque" });
  const { floor, consumed } = await one.turn("last");
  assert.deepEqual([floor, consumed], [4, 4]);
});

agentRow(91, async () => {
  const one = await edited();
  const branched = await act(one, { type: "branch", after: "u1", text: "elsewhere" });
  assert.equal(branched.text, "heard one | elsewhere");
  const stored = await one.saved((some) => some.some(({ id }) => id === "branch-elsewhere")
    && some.at(-1).role === "assistant");
  assert.ok(stored.every(({ id }) => id !== "u2"), "the other branch is off the lane");
  assert.equal((await one.turn("on")).text, "heard one | elsewhere | on");
});
