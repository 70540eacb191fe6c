// Head starts that the gateway makes, and whose agent is lost or never comes (R-HDS-16, R-HDS-18).
// Agents' processes die, so one test after the other.

import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { eventually } from "../lib/wire.mjs";
import { openGate } from "./fixtures/lib/notes.mjs";
import { stage } from "./lib/stage.mjs";
import { PATIENCE, handedOver, ofType } from "./lib/started.mjs";
import {
  atRest, calls, cool, fateOf, gate, kept, onlyId, refuses, says, stored, warmModel,
} from "./lib/warm.mjs";
import { messageText } from "./lib/talk.mjs";

const model = await warmModel();
const made = await stage(["headstart"], { agents: [model.agent("starter"), model.agent("sleeper"),
  model.agent("patient", { wait: "300ms" }), model.agent("pinned")].join("") });
const FILES = { starter: "headstart", pinned: "../pinned/headstart" };
const hosts = { starter: made.host, pinned: await made.start([FILES.pinned]) };
const talk = (agent) => made.talk(agent, { patience: PATIENCE });
const HELLO = "Hello from here.";

const kill = (agent) => hosts[agent].stop("SIGKILL");
const revive = async (agent) => (hosts[agent] = await made.start([FILES[agent]]));
const handed = (one) => eventually(async () => (await handedOver(one)).length === 1,
  `the hand-over of ${one.chat}`, PATIENCE);

/** The agent has written behind the hand-over. */
const took = (one) => eventually(async () => {
  const all = await one.records();
  const end = all.findLastIndex(({ data }) => data?.type === "finish-step");
  return all.slice(end + 1).some(({ data }) => data?.type === "start");
}, `what the agent writes in ${one.chat}`, PATIENCE);

/** The step's answer became the turn's; the next message has the history. */
async function whole(one) {
  const [turn] = await one.settled(1);
  assert.equal(turn.text, HELLO);
  assert.equal(ofType(turn, "error").length, 0, turn.types.join(" "));
  const id = onlyId(turn);
  assert.deepEqual(await handedOver(one), [{ fate: "applied", turn: 1 }]);
  const saved = await stored(one, [`hi ${one.chat}`, HELLO]);
  assert.equal(saved[1].id, id);
  assert.equal((await one.turn("next")).text, `heard hi ${one.chat} | next`);
  await atRest(one, 2);
}

for (const agent of ["starter", "pinned"]) {
  test(`the agent is killed while the step runs (${agent})`, async (t) => {
    const one = talk(agent);
    const hold = gate();
    t.after(hold.open);
    model.tell(one.chat, says(HELLO, { hold }));
    await one.open();
    await one.submit(`hi ${one.chat}`);
    await one.noted("onBoot");
    await kill(agent);
    await revive(agent);
    await one.noted("onBoot", 2);
    hold.open();
    await whole(one);
    assert.equal(model.asks(one.chat).length, 1, "the step is made once");
  });

  test(`it is killed while the step runs, and comes late (${agent})`, async (t) => {
    const one = talk(agent);
    const hold = gate();
    t.after(hold.open);
    model.tell(one.chat, says(HELLO, { hold }));
    await one.open();
    await one.submit(`hi ${one.chat}`);
    await one.noted("onBoot");
    await kill(agent);
    hold.open();
    await handed(one);
    await revive(agent);
    await whole(one);
  });

  test(`it is killed right behind the hand-over (${agent})`, async (t) => {
    const one = talk(agent);
    const hold = gate();
    t.after(hold.open);
    model.tell(one.chat, says(HELLO, { hold }));
    await one.open();
    await one.submit(`hi ${one.chat}`);
    await one.noted("onBoot");
    hold.open();
    await handed(one);
    await kill(agent);
    await revive(agent);
    await one.settled(1);
    await whole(one);
  });
}

for (const agent of ["starter", "pinned"]) {
  test(`a step that fails without an agent is the agent's (${agent})`, async () => {
    const one = talk(agent);
    await kill(agent);
    model.tell(one.chat, refuses());
    await one.open();
    const seq = await one.submit(`hi ${one.chat}`);
    await model.asked(one.chat);
    await revive(agent);
    const turn = await one.covered(seq);
    assert.equal(turn.text, `heard hi ${one.chat}`);
    await stored(one, [`hi ${one.chat}`, turn.text]);
    await atRest(one, 1);
  });
}

for (const agent of ["starter", "pinned"]) {
  test(`so is one that fails in a later turn, with a message behind it (${agent})`, async (t) => {
    const one = talk(agent);
    const before = gate();
    t.after(before.open);
    model.tell(one.chat, says("One."), refuses({ before }));
    await one.open();
    await one.turn(`hi ${one.chat}`);
    await kept(one);
    await kill(agent);
    await one.submit("second");
    await model.asked(one.chat, 2);
    const seq = await one.submit("third");
    before.open();
    await revive(agent);
    const turn = await one.covered(seq);
    assert.equal(turn.text, `heard hi ${one.chat} | second | third`);
    const saved = await one.saved((some) => messageText(some.at(-1)) === turn.text);
    assert.deepEqual(saved.filter(({ role }) => role === "user").map(messageText),
      [`hi ${one.chat}`, "second", "third"]);
    await atRest(one, (await one.turns()).length);
  });
}

test("messages that come while nobody is there are answered in order", async () => {
  const one = talk("starter");
  await kill("starter");
  model.tell(one.chat, says(HELLO));
  await one.open();
  await one.submit(`hi ${one.chat}`);
  await handed(one);
  const seqs = [await one.submit("two"), await one.submit("three")];
  await revive("starter");
  const last = await one.covered(seqs[1]);
  const turns = await one.turns();
  assert.equal(turns[0].text, HELLO);
  assert.equal(last.text, `heard hi ${one.chat} | two | three`);
  for (const seq of seqs) assert.equal((await fateOf(one, seq)).fate, "answered");
  await atRest(one, turns.length);
});

test("the agent is killed while it runs the tool, in a later turn", async (t) => {
  const one = talk("pinned");
  t.after(() => openGate(one.chat));
  const said = `/tool pause {"key":"${one.chat}"}`;
  model.tell(one.chat, says("One."), calls([["pause", { key: one.chat }]]));
  await one.open();
  await one.turn(`hi ${one.chat}`);
  await cool(one);
  await one.submit(said);
  await one.noted("pause");
  await took(one);
  await kill("pinned");
  await revive("pinned");
  openGate(one.chat);
  await one.settled(2);
  const next = await one.turn("next");
  assert.equal(next.text, `heard hi ${one.chat} | ${said} | next`);
  assert.equal(one.notes("pause").length, 1, "no tool is run twice");
  await atRest(one, 3);
});

test("the agent is killed while it runs the tool", async (t) => {
  const one = talk("pinned");
  t.after(() => openGate(one.chat));
  const said = `/tool pause {"key":"${one.chat}"}`;
  model.tell(one.chat, calls([["pause", { key: one.chat }]]));
  await one.open();
  await one.submit(said);
  await one.noted("pause");
  await took(one);
  await kill("pinned");
  await revive("pinned");
  openGate(one.chat);
  await one.settled(1);
  const next = await one.turn("/prompt next");
  assert.ok(next.text.includes(`user:${said}`), next.text);
  await atRest(one, 2);
  assert.equal(one.notes("pause").length, 1, "no tool is run twice");
});

for (const [what, step, shown, tool] of [
  ["the whole answer", says(HELLO), HELLO, 0],
  ["calls", calls([["weather", { city: "Rome" }]]), "Let me see. ", 0],
]) {
  test(`nobody takes ${what} over in time`, async () => {
    const one = talk("patient");
    await kill("starter");
    model.tell(one.chat, step);
    await one.open();
    const seq = await one.submit(`hi ${one.chat}`);
    const [turn] = await one.settled(1);
    assert.equal(turn.text, shown);
    assert.equal(ofType(turn, "error").length, 1, turn.types.join(" "));
    assert.equal((await fateOf(one, seq)).fate, "rejected");
    await stored(one, [`hi ${one.chat}`, shown]);
    // Its step fails while nobody is there, so that no hand-over has to be taken in time.
    const late = await one.submit("next");
    await model.asked(one.chat, 2);
    await revive("starter");
    const next = await one.covered(late);
    assert.equal(next.text, `heard hi ${one.chat} | next`);
    const saved = await one.saved((some) => some.length === 4);
    assert.deepEqual(saved.map(messageText), [`hi ${one.chat}`, shown, "next", next.text]);
    assert.equal(one.notes("weather").length, tool);
    await atRest(one, 2);
  });
}

test("a message behind a preload for which nobody is there gets one", async () => {
  const one = talk("starter");
  await kill("starter");
  model.tell(one.chat, says(HELLO));
  await one.open();
  // By then the preload waits for room; sooner, it has not begun, which is as well.
  await sleep(300);
  await one.submit(`hi ${one.chat}`);
  await handed(one);
  await revive("starter");
  await whole(one);
});

test("nobody takes it over in time, and the message is regenerated", async () => {
  const one = talk("patient");
  await kill("starter");
  model.tell(one.chat, says(HELLO));
  await one.open();
  await one.submit(`hi ${one.chat}`);
  await one.settled(1);
  await revive("starter");
  const turn = await one.covered(await one.payload({ trigger: "regenerate-message" }));
  assert.equal(turn.text, `heard hi ${one.chat}`);
  await stored(one, [`hi ${one.chat}`, turn.text]);
  await atRest(one, 2);
});

test("an agent that is lost again and again ends the turn", async (t) => {
  const one = talk("starter");
  const hold = gate();
  t.after(hold.open);
  model.tell(one.chat, says("One."), says(HELLO, { hold }));
  await one.open();
  await one.turn(`hi ${one.chat}`);
  await cool(one);
  const seq = await one.submit("second");
  await one.streaming(6);
  for (let round = 0; round < 2; round += 1) {
    await kill("starter");
    await revive("starter");
  }
  hold.open();
  const turn = await one.covered(seq);
  assert.ok(turn.text.startsWith("Hello from "), turn.text);
  const next = await one.turn("next");
  assert.equal(next.text, `heard hi ${one.chat} | second | next`);
  await atRest(one, 3);
});
