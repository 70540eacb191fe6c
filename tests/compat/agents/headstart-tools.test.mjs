// Rows 78 and 80: step 1 ends with tool calls, which the agent runs. `ai` 6.0.201 where not said
// otherwise: from 6.0.202 on this branch is broken upstream.

import assert from "node:assert/strict";
import { describe } from "node:test";
import { calls, chunksOf, handover, prepare, read, text } from "../lib/head-start.mjs";
import { say, textOf } from "../lib/chats.mjs";
import { openGate } from "./fixtures/lib/notes.mjs";
import { agentRow } from "./lib/row.mjs";
import { stage } from "./lib/stage.mjs";
import {
  IN_ROME, PATIENCE, WEATHER, begin, goesOn, handedOver, ofType, soon,
} from "./lib/started.mjs";
import { messageText } from "./lib/talk.mjs";

const made = await stage(["headstart"]);
let tooled = await made.start(["../pinned/headstart"]);
const { gw } = made;
const talk = (agent = "pinned") => made.talk(agent, { patience: PATIENCE });
const pause = (key) => `/tool pause ${JSON.stringify({ key })}`;

/** A head start whose tool waits for the gate of its chat. */
async function pausing(t, one, options) {
  const key = one.chat;
  t.after(() => openGate(key));
  const answer = await begin(t, one, calls(["pause", { key }]), { first: pause(key), ...options });
  await one.noted("pause");
  return { answer, said: pause(key), open: () => openGate(key) };
}

describe("calls", { concurrency: 8 }, () => {
  agentRow(78, async (t) => {
    const one = talk();
    const step = calls(IN_ROME, ["weather", { city: "Oslo" }]);
    await soon(begin(t, one, step, { first: WEATHER }).then(read), "the answer");
    const [turn] = await one.settled(1);
    assert.deepEqual(ofType(turn, "tool-output-available").map(({ output }) => output.city).sort(),
      ["Oslo", "Rome"]);
    assert.equal(new Set(ofType(turn, "start").map(({ messageId }) => messageId)).size, 1);
    const stored = await one.saved((some) => messageText(some.at(-1)) === turn.text);
    assert.deepEqual(stored.at(-1).parts.filter(({ type }) => type === "tool-weather")
      .map(({ state }) => state), ["output-available", "output-available"]);
    await goesOn(one, 1, [WEATHER]);
  }, { detail: "two calls at once" });

  agentRow(78, async (t) => {
    const one = talk();
    const step = calls(["broken", {}]);
    await soon(begin(t, one, step, { first: "/tool broken" }).then(read), "the answer");
    const [turn] = await one.settled(1);
    assert.equal(ofType(turn, "tool-output-error").length, 1, turn.types.join(" "));
    assert.ok(turn.text.endsWith("after /tool broken"), "the model hears of it");
    await goesOn(one, 1, ["/tool broken"]);
  }, { detail: "a tool that fails" });

  // Upstream's: the SDK makes up an approval for a call that needs none, and `ai` denies that.
  agentRow(78, async (t) => {
    const one = talk("starter");
    const reading = begin(t, one, calls(IN_ROME), { first: WEATHER }).then(read);
    const chunks = await soon(reading, "the answer");
    assert.equal(chunks.at(-2).type, "trigger:turn-complete");
    const [turn] = await one.settled(1);
    assert.equal(ofType(turn, "tool-output-denied").length, 1, "works upstream: say so in README");
    assert.equal(one.notes("weather").length, 0);
    await goesOn(one, 1, [WEATHER]);
  }, { detail: "with the newest ai, upstream denies the call, and the turn still ends" });

  agentRow(78, async (t) => {
    const one = talk();
    const { answer, said, open } = await pausing(t, one);
    const seq = await one.submit("me too");
    open();
    await soon(read(answer), "the answer");
    const turns = await one.settled(2);
    assert.deepEqual(turns.map((turn) => ofType(turn, "error").length), [0, 0]);
    assert.ok(turns[0].floor < seq && turns[1].floor >= seq);
    assert.equal(turns[1].text, `heard ${said} | me too`);
  }, { detail: "a message that comes in step 2 is answered after it" });

  agentRow(80, async (t) => {
    const one = talk();
    const leaving = new AbortController();
    const { answer, said, open } = await pausing(t, one, { signal: leaving.signal });
    leaving.abort();
    await answer.body.cancel().catch(() => {});
    open();
    const [turn] = await one.settled(1);
    assert.ok(turn.text.endsWith(` after ${said}`), "the agent goes on without it");
    assert.equal(ofType(turn, "error").length, 0);
    await goesOn(one, 1, [said]);
  }, { detail: "the page leaves in step 2" });
});

describe("hand-overs without a call", { concurrency: 8 }, () => {
  for (const agent of ["starter", "pinned"]) {
    agentRow(78, async () => {
      const one = talk(agent);
      await prepare(gw, { agent, chat: one.chat, messages: [say("hi", "u1")] });
      await one.append(handover("m1", undefined, false));
      const [turn] = await one.settled(1);
      assert.equal(turn.text, "heard hi", "the agent's model answers");
      assert.notEqual(ofType(turn, "start")[0].messageId, "m1", "in a message of its own");
      await goesOn(one, 1, ["hi"]);
    }, { detail: `nothing was said: the agent does (${agent})` });

    agentRow(78, async () => {
      const one = talk(agent);
      await prepare(gw, { agent, chat: one.chat, messages: [say("hi", "u1")] });
      await one.append(handover("m1", text("First of all, "), false));
      const [turn] = await one.settled(1);
      assert.equal(turn.text, "heard hi", "the agent's model goes on");
      assert.equal(ofType(turn, "start")[0].messageId, "m1", "in the same message");
      const stored = await one.saved((some) => messageText(some.at(-1)).endsWith("heard hi"));
      assert.deepEqual(stored.map(({ id }) => id), ["u1", "m1"]);
      assert.equal(messageText(stored[1]), "First of all, heard hi");
      await goesOn(one, 1, ["hi"]);
    }, { detail: `something was said: the agent goes on (${agent})` });
  }
});

agentRow(78, async (t) => {
  const one = talk();
  const { answer, said } = await pausing(t, one);
  const shown = chunksOf(answer);
  const seen = [];
  while (!textOf(seen).includes("see. ")) seen.push((await shown.next()).value);
  await tooled.stop("SIGKILL");
  tooled = await made.start(["../pinned/headstart"]);
  openGate(one.chat);
  await one.settled(1);
  assert.equal((await handedOver(one))[0].fate, "applied");
  const next = await one.turn("/prompt next");
  assert.ok(next.text.includes(`user:${said}`), next.text);
  assert.equal((await one.turns()).length, 2, "one boundary each");
}, { detail: "the agent's process is killed in step 2" });
