// Rows 77–79: what else comes to a session while a head start runs, and head starts that come to a
// session which is in use.

import assert from "node:assert/strict";
import { describe } from "node:test";
import { deltas, mint, newTransport, readUntil, rest, say, send } from "../lib/chats.mjs";
import {
  calls, credentials, handler, handover, post, prepare, read, refuses, says, serve, stepChunks,
  text,
} from "../lib/head-start.mjs";
import { eventually } from "../lib/wire.mjs";
import { openGate } from "./fixtures/lib/notes.mjs";
import { agentRow } from "./lib/row.mjs";
import { stage } from "./lib/stage.mjs";
import {
  IN_ROME, PATIENCE, WEATHER, begin, begun, goesOn, handedOver, ofType, soon,
} from "./lib/started.mjs";
import { messageText } from "./lib/talk.mjs";

const made = await stage(["headstart"]);
await made.start(["../pinned/headstart"]);
const { gw } = made;
const talk = (agent = "starter") => made.talk(agent, { patience: PATIENCE });
const IDLE = 2;

/** A head start whose step 1 goes on when it is told to. */
function held(t, one, words, options) {
  let release;
  const hold = new Promise((done) => (release = done));
  t.after(() => release());
  const answer = begin(t, one, says(words, { hold }), options);
  return { answer, release };
}

const fateOf = (one, seq) => eventually(async () =>
  (await one.fates()).find((fate) => fate.seq === seq && fate.fate !== null),
`the fate of ${seq}`, PATIENCE);

describe("another tab sends a message", { concurrency: 8 }, () => {
  for (const agent of ["starter", "sleeper"]) {
    agentRow(77, async (t) => {
      const one = talk(agent);
      const { answer, release } = held(t, one, "Hello from here.");
      await one.noted("onBoot");
      const seq = await one.submit("me too");
      release();
      const chunks = await soon(answer.then(read), "the answer");
      assert.equal(chunks.at(-2).type, "trigger:turn-complete");
      const [first, second] = await one.settled(2);
      assert.deepEqual([first.text, second.text], ["Hello from here.", "heard hi | me too"]);
      assert.ok((first.floor ?? -1) < seq && second.floor >= seq);
      assert.equal(ofType(first, "error").length + ofType(second, "error").length, 0);
      assert.deepEqual(await fateOf(one, seq), { seq, fate: "answered", turn: 2 });
      await goesOn(one, 2, ["hi", "me too"]);
    }, { detail: `a message that comes before the hand-over is answered after it (${agent})` });
  }

  agentRow(79, async () => {
    const one = talk();
    await prepare(gw, { agent: one.agent, chat: one.chat, messages: [say("hi", "u1")] });
    const seq = await one.submit("me too");
    await (await credentials(gw, one.chat)).write(stepChunks("m1", "all of it"));
    await one.append(handover("m1", text("all of it"), true));
    await one.settled(2);
    assert.deepEqual(await handedOver(one), [{ fate: "applied", turn: 1 }]);
    assert.deepEqual(await fateOf(one, seq), { seq, fate: "answered", turn: 2 });
  }, { detail: "the hand-over is applied before the message that came first" });

  agentRow(79, async (t) => {
    const one = talk();
    const { answer, release } = await failing(t, one);
    const seq = await one.submit("me too");
    release();
    await soon(answer.then(read), "the answer");
    const turn = await one.covered(seq);
    assert.equal(turn.text, "heard hi | me too");
    const turns = await one.turns();
    assert.deepEqual(turns.map((some) => ofType(some, "error").length), [1, 0]);
    await goesOn(one, 2, ["hi", "me too"]);
  }, { detail: "a message that comes before a skip is answered with what was said" });

  agentRow(79, async () => {
    const one = talk();
    await prepare(gw, { agent: one.agent, chat: one.chat, idle: IDLE,
      messages: [say("hi", "u1")] });
    const seq = await one.submit("me too");
    const turn = await one.covered(seq);
    assert.equal(turn.text, "heard hi | me too");
    assert.equal(ofType(turn, "error").length, 0);
    assert.equal((await one.turns()).length, 2);
    await goesOn(one, 2, ["hi", "me too"]);
  }, { detail: "a message outlives a handler that dies" });
});

/** A head start that fails when it is told to. */
async function failing(t, one) {
  let release;
  const hold = new Promise((done) => (release = done));
  t.after(() => release());
  const answer = begin(t, one, begun(one, async function* (signal) {
    await hold;
    yield* refuses()(signal);
  }));
  await one.noted("onBoot");
  return { answer, release };
}

describe("somebody stops it", { concurrency: 8 }, () => {
  agentRow(79, async (t) => {
    const one = talk();
    let release;
    const hold = new Promise((done) => (release = done));
    const { url } = await serve(t, handler(one.agent, says("Hello from here.", { hold })));
    const { transport } = newTransport(gw, { agent: one.agent, headStart: url,
      accessToken: () => mint(one.chat) });
    const { reader } = await readUntil(await send(transport, one.chat, "hi"),
      (some) => deltas(some) > 0);
    await one.noted("onBoot");
    assert.equal(await transport.stopGeneration(one.chat), true);
    release();
    await soon(rest(reader), "the end of the answer");
    await one.settled(1);
    assert.equal((await fateOf(one, 0)).fate, "applied");
    await goesOn(one, 1, ["hi"]);
  }, { detail: "a stop of the page in step 1 hits no later turn" });

  agentRow(79, async (t) => {
    const one = talk();
    const { answer, release } = held(t, one, "Hello from here.");
    await one.streaming(4);
    await one.stop();
    release();
    await soon(answer.then(read), "the end of the answer");
    await one.settled(1);
    assert.equal((await fateOf(one, 0)).fate, "applied");
    await goesOn(one, 1, ["hi"]);
  }, { detail: "a stop of the server in step 1 hits no later turn" });

  agentRow(79, async (t) => {
    const one = talk("pinned");
    const key = one.chat;
    t.after(() => openGate(key));
    const step = calls(["pause", { key }]);
    const answer = await begin(t, one, step, { first: pause(key) });
    await one.noted("pause");
    const seq = await one.stop();
    const chunks = await soon(read(answer), "the end of the answer");
    assert.equal(chunks.at(-2).type, "trigger:turn-complete");
    const [turn] = await one.settled(1);
    assert.ok(!turn.text.includes("gave"), "step 2 did not come to its model");
    assert.deepEqual(await fateOf(one, seq), { seq, fate: "applied", turn: 1 });
    const next = await one.turn("/prompt next");
    assert.ok(next.text.endsWith("user:/prompt next"), next.text);
    assert.equal(next.types.at(-1), "finish");
    assert.equal((await one.turns()).length, 2, "one boundary each");
  }, { detail: "a stop in step 2 hits no later turn" });
});

agentRow(79, async () => {
  const one = talk("patient");
  await prepare(gw, { agent: one.agent, chat: one.chat, messages: [say("hi", "u1")] });
  await one.noted("onBoot");
  await one.stop();
  await one.settled(1);
  await one.append(handover("m1", text("too late"), true));
  await goesOn(one, 1, ["hi"]);
  assert.equal((await handedOver(one))[0].fate, "rejected");
  assert.equal(one.notes("onTurnStart").length, 1, "only of the next message");
}, { detail: "no run sees a hand-over that comes after the stop" });

agentRow(77, async () => {
  const one = talk("patient");
  await one.open();
  await one.turn("first");
  const history = await one.saved((some) => some.length === 2);
  await prepare(gw, { agent: one.agent, chat: one.chat,
    messages: [...history, say("second", "u2")] });
  await one.submit("me too");
  await one.append(handover("m1", text("Hello again."), true));
  const turns = await one.settled(3);
  assert.equal(turns[2].text, "heard first | second | me too");
  assert.equal(one.notes("run").length, 2, "the model is asked once for each of its turns");
}, { detail: "the run that had to go is given nothing any more" });

const pause = (key) => `/tool pause ${JSON.stringify({ key })}`;

describe("the session is in use", { concurrency: 8 }, () => {
  for (const agent of ["starter", "sleeper"]) {
    agentRow(77, async (t) => {
      const one = talk(agent);
      await one.open();
      await one.turn("first");
      const history = await one.saved((some) => some.length === 2);
      const reading = begin(t, one, says("Hello again."), { history, first: "second" }).then(read);
      const chunks = await soon(reading, "the answer");
      assert.equal(chunks.at(-2).type, "trigger:turn-complete");
      const turns = await one.settled(2);
      assert.deepEqual(turns.map((turn) => turn.text), ["heard first", "Hello again."]);
      const stored = await one.saved((some) => some.length === 4);
      assert.deepEqual(stored.map(messageText),
        ["first", "heard first", "second", "Hello again."]);
      await goesOn(one, 2, ["first", "second"]);
    }, { detail: `a chat whose run waits gets a head start (${agent})` });
  }

  agentRow(78, async (t) => {
    const one = talk("pinned");
    await one.open();
    await one.turn("first");
    const history = await one.saved((some) => some.length === 2);
    const reading = begin(t, one, calls(IN_ROME), { history, first: WEATHER }).then(read);
    await soon(reading, "the answer");
    const [, turn] = await one.settled(2);
    assert.ok(turn.text.endsWith(` after ${WEATHER}`), turn.text);
    assert.equal(new Set(ofType(turn, "start").map(({ messageId }) => messageId)).size, 1);
    assert.equal(one.notes("weather").length, 1);
    await one.saved((some) => some.length === 4 && messageText(some[3]) === turn.text);
    await goesOn(one, 2, ["first", WEATHER]);
  }, { detail: "a chat whose run waits gets one with a tool call" });

  agentRow(79, async () => {
    const one = talk();
    await one.open();
    await one.submit("/count 2000 10");
    await one.streaming(20);
    const refused = await prepare(gw, { agent: one.agent, chat: one.chat,
      messages: [say("hi", "u1")] });
    await one.stop();
    assert.equal(refused.status, 409);
    assert.equal(refused.headers.get("x-should-retry"), "false");
    assert.match((await refused.json()).code, /^[a-z_]+$/);
    await one.settled(1);
    await goesOn(one, 1, ["/count 2000 10"]);
  }, { detail: "a chat whose turn runs gets none, and the turn is not disturbed" });

  agentRow(79, async (t) => {
    const one = talk();
    await one.open();
    await one.submit("/count 2000 10");
    await one.streaming(20);
    const { url } = await serve(t, handler(one.agent, says("Hello from here.")));
    const answer = await soon(post(url, one.chat, ["hi"]), "the refusal");
    await one.stop();
    assert.equal(answer.status, 500);
    await answer.text();
    await one.settled(1);
    assert.ok(!(await one.turns())[0].text.includes("Hello"));
  }, { detail: "the handler gets the refusal" });

  agentRow(79, async (t) => {
    const one = talk();
    const { answer, release } = held(t, one, "Hello from here.");
    await one.streaming(4);
    const refused = await prepare(gw, { agent: one.agent, chat: one.chat,
      messages: [say("hi", "u1")] });
    assert.equal(refused.status, 409);
    release();
    await soon(answer.then(read), "the answer");
    assert.equal((await one.settled(1))[0].text, "Hello from here.");
    await goesOn(one, 1, ["hi"]);
  }, { detail: "a second one while the first runs is refused" });
});
