// Rows 40, 41, 43–46, 105: what a new run knows of the chat that it takes over.

import assert from "node:assert/strict";
import { say } from "../lib/chats.mjs";
import { chat as helpers, defaultStorage } from "../lib/sdk.mjs";
import { call, eventually } from "../lib/wire.mjs";
import { agentRow } from "./lib/row.mjs";
import { stage } from "./lib/stage.mjs";
import { messageText } from "./lib/talk.mjs";

const FILES = ["talk", "hooks", "context"];
const made = await stage(FILES);
const { gw, talk } = made;

/** Asks the run to end and waits until it did. */
async function finish(one) {
  const { currentRunId } = await one.row();
  await one.payload({ trigger: "close" });
  await one.ended(currentRunId);
  return currentRunId;
}

agentRow(40, async () => {
  const one = talk("hooked");
  await one.open();
  await one.turn("first");
  const previous = await finish(one);
  assert.equal((await one.turn("second")).text, "heard first | second");
  const boots = one.notes("onBoot");
  assert.deepEqual(boots.map(({ continuation }) => continuation), [false, true]);
  assert.equal(boots[1].previousRunId, previous);
  assert.equal(one.notes("onChatStart").length, 1, "a chat starts once");
  assert.equal(one.notes("run").at(-1).continuation, true);
  const kinds = one.notes().map(({ what }) => what);
  const order = kinds.slice(kinds.lastIndexOf("onBoot"));
  assert.ok(order.includes("onTurnStart") && order.includes("run"));
});

agentRow(41, async () => {
  const one = talk("talk");
  await one.open({ trigger: "submit-message", message: say("sticky") });
  await one.settled(1);
  await finish(one);
  const next = await one.turn("next");
  assert.equal(next.text, "heard sticky | next");
  assert.equal((await one.turns()).length, 2, "the payload's message is not answered again");
});

/** The stored transcript as it is. */
async function blob({ chat }) {
  const granted = await call(gw, `/api/v1/sessions/${chat}/snapshot-url`);
  const { presignedUrl } = await granted.json();
  const answer = await fetch(presignedUrl);
  return answer.status === 404 ? undefined : answer.text();
}

agentRow(43, async () => {
  const one = talk("talk");
  await one.open();
  await one.turn("remember me");
  const text = await eventually(async () => {
    const found = await blob(one);
    return found?.includes("heard remember me") && found;
  });
  assert.equal(JSON.parse(text.split("\n")[0]).v, 2);
  await made.host.stop("SIGKILL");
  made.host = await made.start(FILES);
  assert.equal((await one.turn("and?")).text, "heard remember me | and?");
});

agentRow(44, async () => {
  const one = talk("talk");
  await one.open();
  const seq = await one.submit("/count 3000 10");
  await one.streaming(1);
  const stored = await one.transcript();
  assert.deepEqual(stored.map(messageText), ["/count 3000 10"], "before the first byte was visible");
  await one.stop();
  await one.covered(seq);
});

agentRow(45, async () => {
  const one = talk("talk");
  await one.open();
  for (const text of ["one", "two", "three"]) await one.turn(text);
  const whole = await one.saved((some) => some.length === 6);
  const load = helpers.createLoadTranscriptAction(defaultStorage);
  const newest = await load({ chatId: one.chat, limit: 2 });
  assert.deepEqual(newest.messages, whole.slice(4));
  const older = await load({ chatId: one.chat, limit: 3, before: newest.nextCursor });
  assert.deepEqual(older.messages, whole.slice(1, 4));
  const oldest = await load({ chatId: one.chat, limit: 3, before: older.nextCursor });
  assert.deepEqual([oldest.messages, oldest.nextCursor], [whole.slice(0, 1), undefined]);
});

agentRow(46, async () => {
  for (const agent of ["own-store", "hydrated"]) {
    const one = talk(agent);
    await one.open();
    await one.turn("first");
    await one.turn("second /end");
    const next = await one.turn("third");
    assert.equal(next.text, "heard first | second /end | third", agent);
    assert.equal(await blob(one), undefined, `${agent} keeps nothing in the gateway`);
    assert.equal((await one.turns()).length, 3);
  }
});

agentRow(46, async () => {
  const one = talk("own-store");
  await one.open();
  await one.turn("hi");
  await one.noted("save", 2);
  assert.deepEqual(one.notes("save").map(({ reason }) => reason), ["turn-start", "turn-complete"]);
  assert.equal(one.notes("loadContext").length, 1);
}, { detail: "two saves a turn" });

agentRow(46, async () => {
  const one = talk("forgetful");
  await one.open();
  await one.turn("hi");
  assert.equal((await one.turn("still there?")).text, "heard hi | still there?");
  assert.equal(await blob(one), undefined);
}, { detail: "memory only" });

agentRow(105, async () => {
  const one = talk("talk");
  await one.open();
  await finish(one);
  const old = { version: 1, savedAt: 1, messages: [say("long ago", "u0"),
    { id: "a0", role: "assistant", parts: [{ type: "text", text: "I remember." }] }] };
  const granted = await call(gw, `/api/v1/sessions/${one.chat}/snapshot-url`, { method: "PUT" });
  const { presignedUrl } = await granted.json();
  const put = await fetch(presignedUrl, { method: "PUT", body: JSON.stringify(old),
    headers: { "content-type": "application/json" } });
  assert.ok(put.ok, String(put.status));
  assert.equal((await one.turn("now")).text, "heard long ago | now");
  const stored = await one.saved((some) => some.length === 4);
  assert.deepEqual(stored.slice(0, 2).map(({ id }) => id), ["u0", "a0"]);
  assert.equal(JSON.parse((await blob(one)).split("\n")[0]).v, 2);
});
