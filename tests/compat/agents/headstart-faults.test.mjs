// Row 79: step 1 fails, is given up, or dies with its server. Nothing is lost then, or left open.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { describe } from "node:test";
import { fileURLToPath } from "node:url";
import { mint, say } from "../lib/chats.mjs";
import {
  breaks, credentials, handover, hangs, post, prepare, read, refuses, runOf, says, serve,
  stepChunks, stumbles, text,
} from "../lib/head-start.mjs";
import { chatServer } from "../lib/sdk.mjs";
import { call, eventually } from "../lib/wire.mjs";
import { agentRow } from "./lib/row.mjs";
import { stage } from "./lib/stage.mjs";
import {
  PATIENCE, begin, begun, failedOnce, goesOn, handedOver, ofType, soon,
} from "./lib/started.mjs";

const made = await stage(["headstart"]);
const { gw } = made;
const talk = (agent = "starter") => made.talk(agent, { patience: PATIENCE });

/** The deadline that tests wait for, in seconds. */
const IDLE = 2;
const DOOMED = fileURLToPath(new URL("../lib/doomed.mjs", import.meta.url));

const ready = (one, idle = IDLE) => prepare(gw, { agent: one.agent, chat: one.chat, idle,
  messages: [say("hi", "u1")] });

describe("step 1 fails, and the handler says so", { concurrency: 8 }, () => {
  agentRow(79, async (t) => {
    const one = talk();
    const chunks = await soon(begin(t, one, begun(one, refuses())).then(read), "the answer");
    assert.deepEqual(chunks.map(({ type }) => type), ["start", "error"]);
    await failedOnce(one);
  }, { detail: "it fails before its first token" });

  agentRow(79, async (t) => {
    const one = talk();
    const answer = await begin(t, one, begun(one, breaks("half a ")));
    await assert.rejects(soon(read(answer), "the end of the body"), /terminated/);
    await failedOnce(one);
  }, { detail: "its stream breaks" });

  agentRow(79, async (t) => {
    const one = talk();
    await soon(begin(t, one, begun(one, refuses())).then(read), "the answer");
    await one.settled(1);
    assert.deepEqual(await handedOver(one), [{ fate: "applied", turn: 1 }]);
  }, { detail: "the skip was applied with the turn that it ended" });

  agentRow(79, async (t) => {
    const one = talk();
    const chunks = await soon(begin(t, one, stumbles("half a ")).then(read), "the answer");
    assert.equal(chunks.at(-2).type, "trigger:turn-complete");
    await failedOnce(one);
  }, { detail: "an error in the middle of its stream is handed over as an answer" });

  agentRow(79, async () => {
    const one = talk();
    const run = async () => {
      throw new Error("no model for you");
    };
    const { completion } = await chatServer.startHeadStart({ agentId: one.agent,
      chatId: one.chat, messages: [say("hi")], run });
    await assert.rejects(completion, /no model for you/);
    await failedOnce(one);
  }, { detail: "a detached one throws" });

  agentRow(79, async (t) => {
    const one = talk();
    await soon(begin(t, one, begun(one, refuses())).then(read), "the answer");
    const turn = await one.covered(await one.payload({ trigger: "regenerate-message" }));
    assert.equal(turn.text, "heard hi");
  }, { detail: "a message whose step 1 failed can be regenerated" });

  agentRow(79, async (t) => {
    const one = talk();
    const leaving = new AbortController();
    const answer = await begin(t, one, hangs("half a sentence"), { signal: leaving.signal });
    await one.streaming(4);
    leaving.abort();
    await answer.body.cancel().catch(() => {});
    await failedOnce(one);
  }, { detail: "the page leaves in step 1, which ends it" });
});

describe("nobody says anything any more", { concurrency: 8 }, () => {
  agentRow(79, async (t) => {
    const one = talk();
    const route = chatServer.headStart({ agentId: one.agent, idleTimeoutInSeconds: IDLE,
      run: async () => {
        throw new Error("no model for you");
      } });
    const { url } = await serve(t, route);
    assert.equal((await post(url, one.chat, ["hi"])).status, 500);
    await failedOnce(one);
  }, { detail: "run throws, and nothing is handed over" });

  agentRow(79, async () => {
    const one = talk();
    const server = spawn(process.execPath, [DOOMED, gw.url, gw.key, one.agent, one.chat,
      String(IDLE)], { stdio: ["ignore", "inherit", "inherit"], env: process.env });
    await eventually(async () => (await call(gw, `/api/v1/sessions/${one.chat}`)).status === 200,
      "the session", PATIENCE);
    await one.streaming(4);
    server.kill("SIGKILL");
    await failedOnce(one);
  }, { detail: "its server is killed in step 1" });

  agentRow(79, async () => {
    const one = talk();
    await ready(one);
    await failedOnce(one);
  }, { detail: "its server dies before its first write" });

  agentRow(79, async () => {
    const one = talk();
    await ready(one, 2 * IDLE);
    await (await credentials(gw, one.chat)).write(stepChunks("m1", "all of it"));
    const turn = await failedOnce(one);
    assert.equal(turn.text, "all of it");
  }, { detail: "its server dies before the hand-over" });

  agentRow(79, async () => {
    const one = talk("sleeper");
    await ready(one);
    await failedOnce(one);
  }, { detail: "its server dies, and the run has parked" });

  agentRow(79, async () => {
    const one = talk();
    await ready(one);
    await one.settled(1);
    const turn = await one.covered(await one.payload({ trigger: "regenerate-message" }));
    assert.equal(turn.text, "heard hi");
  }, { detail: "a message whose server died can be regenerated" });

  agentRow(79, async () => {
    const one = talk();
    await ready(one);
    await one.settled(1);
    const path = `/realtime/v1/sessions/${one.chat}/in/append`;
    const late = await call(gw, path, { json: handover("m1", text("too late"), true) });
    assert.ok(late.status < 500, String(late.status));
    await goesOn(one, 1, ["hi"]);
  }, { detail: "a hand-over that comes too late is none" });

  agentRow(79, async () => {
    const one = talk();
    await one.open();
    await one.turn("hi");
    await one.append(handover("m1", text("unasked"), true));
    await goesOn(one, 1, ["hi"]);
  }, { detail: "a hand-over that nobody waits for is none" });

  agentRow(79, async (t) => {
    const host = await made.start(["talk"]);
    await host.stop();
    const one = talk("talk");
    const reading = begin(t, one, says("Anyone there?"), { idleTimeoutInSeconds: IDLE }).then(read);
    const chunks = await soon(reading, "the end of the answer", 5 * IDLE);
    assert.equal(chunks.at(-2).type, "trigger:turn-complete");
    assert.equal((await one.turns()).length, 1);
    const late = await made.start(["talk"]);
    await goesOn(one, 1, ["hi"]);
    await late.stop();
  }, { detail: "there is no agent process" });
});

describe("who may write", { concurrency: 8 }, () => {
  // The SDK does not wait for its own writer before it posts a skip: that asks late as well.
  agentRow(79, async () => {
    const one = talk();
    await ready(one, PATIENCE);
    await one.append({ kind: "handover-skip" });
    await one.settled(1);
    const late = await credentials(gw, one.chat).catch(() => undefined);
    await late?.write([{ type: "start", messageId: "m1" }, { type: "error", errorText: "no" }]);
    await goesOn(one, 1, ["hi"]);
  }, { detail: "what the handler writes after its skip is in no later turn" });

  agentRow(79, async () => {
    const one = talk();
    await ready(one, PATIENCE);
    const bearer = await mint(one.chat);
    for (const record of [handover("m1", text("of the page"), true), { kind: "handover-skip" }]) {
      const path = `/realtime/v1/sessions/${one.chat}/in/append`;
      const refused = await call(gw, path, { bearer, json: record });
      assert.equal(refused.status, 403, record.kind);
    }
    await (await credentials(gw, one.chat)).write(stepChunks("m2", "all of it"));
    await one.append(handover("m2", text("all of it"), true));
    const [turn] = await one.settled(1);
    assert.equal(turn.text, "all of it");
    await goesOn(one, 1, ["hi"]);
  }, { detail: "a page can't hand over" });
});

// ---- the agent's process dies, so one after the other ------------------------------------------

agentRow(79, async (t) => {
  const one = talk();
  let release;
  const hold = new Promise((done) => (release = done));
  const reading = begin(t, one, says("Still here.", { hold })).then(read);
  await one.noted("onBoot");
  await made.host.stop("SIGKILL");
  made.host = await made.start(["headstart"]);
  await one.noted("onBoot", 2);
  release();
  const chunks = await soon(reading, "the answer");
  assert.equal(chunks.at(-2).type, "trigger:turn-complete");
  const [turn] = await one.settled(1);
  assert.equal(turn.text, "Still here.");
  assert.equal(ofType(turn, "error").length, 0);
  await goesOn(one, 1, ["hi"]);
}, { detail: "the agent's process is killed before the hand-over" });

agentRow(79, async (t) => {
  const one = talk();
  let release;
  const hold = new Promise((done) => (release = done));
  const reading = begin(t, one, says("Still here.", { hold })).then(read);
  await one.noted("onBoot");
  await made.host.stop("SIGKILL");
  release();
  await eventually(async () => (await handedOver(one)).length === 1, "the hand-over", PATIENCE);
  made.host = await made.start(["headstart"]);
  const chunks = await soon(reading, "the answer");
  assert.equal(chunks.at(-2).type, "trigger:turn-complete");
  assert.equal((await one.settled(1))[0].text, "Still here.");
  await goesOn(one, 1, ["hi"]);
}, { detail: "the agent's process is killed, and is back after the hand-over" });
