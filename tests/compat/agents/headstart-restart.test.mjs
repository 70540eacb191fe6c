// Rows 77–79 when the gateway is killed, or drained, in the middle of a head start. A page may get
// a broken body, or the rest of the answer; never a body that ends well in the middle.

import assert from "node:assert/strict";
import { after, describe } from "node:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { calls, chunksOf, says } from "../lib/head-start.mjs";
import { restartable } from "../lib/restartable.mjs";
import { eventually } from "../lib/wire.mjs";
import { openGate } from "./fixtures/lib/notes.mjs";
import { startHost } from "./lib/host.mjs";
import { agentRow } from "./lib/row.mjs";
import { PATIENCE, begin, handedOver, ofType, soon } from "./lib/started.mjs";
import { Talk } from "./lib/talk.mjs";

const notes = await mkdtemp(join(tmpdir(), "tidegate-agents-"));
process.env.AGENT_NOTES = notes;
after(() => rm(notes, { recursive: true, force: true }));

/** A gateway that can be started again, a host, and a chat. */
async function scene(t, agent, body) {
  const place = await restartable(t, { drain: "1s" });
  const files = { starter: "headstart", pinned: "../pinned/headstart" };
  place.host = () => startHost(place.gw, [files[agent]], { notes });
  const host = await place.host();
  const one = new Talk(place.gw, agent, { patience: PATIENCE });
  // Several gateways in one process, so the SDK is told each time.
  const apiClient = { baseURL: place.gw.url, accessToken: place.gw.key };
  const hosts = new Set([host]);
  try {
    await body({ place, one, host, hosts, apiClient });
  } finally {
    for (const some of hosts) await some.stop("SIGKILL");
  }
}

/** How an answer ends for a page. */
async function outcome(answer) {
  const chunks = [];
  try {
    for await (const chunk of chunksOf(answer)) chunks.push(chunk);
  } catch (broken) {
    return { chunks, broken };
  }
  return { chunks };
}

function notCut({ chunks, broken }) {
  assert.ok(broken || chunks.some(({ type }) => type === "trigger:turn-complete"),
    `it ends well in the middle: ${chunks.map(({ type }) => type).join(" ")}`);
}

/** The next message is answered with what was said before, and there is one boundary each. */
async function goesOnWith(one, said) {
  const next = await one.turn("/prompt next");
  assert.ok(next.text.includes(`user:${said}`), next.text);
  assert.equal((await one.turns()).length, 2, "one boundary each");
  return next;
}

for (const signal of ["SIGKILL", "SIGTERM"]) {
  describe(signal, { concurrency: 4 }, () => {
    agentRow(77, (t) => scene(t, "starter", async ({ place, one, apiClient }) => {
      let release;
      const hold = new Promise((done) => (release = done));
      t.after(() => release());
      const ending = begin(t, one, says("Hello from here.", { hold }), { apiClient }).then(outcome);
      await one.streaming(4);
      await one.noted("onBoot");
      await place.restart(signal);
      release();
      notCut(await soon(ending, "the end of the answer"));
      await one.settled(1);
      assert.equal((await handedOver(one))[0].fate, "applied");
      const next = await goesOnWith(one, "hi");
      assert.ok(next.text.includes("assistant:Hello from here."), "its answer is kept");
    }), { detail: `the gateway gets ${signal} in step 1` });

    agentRow(77, (t) => scene(t, "starter", async (all) => {
      const { place, one, host, hosts, apiClient } = all;
      await host.stop("SIGKILL");
      hosts.delete(host);
      const ending = begin(t, one, says("Hello from here."), { apiClient }).then(outcome);
      await eventually(async () => (await handedOver(one).catch(() => [])).length === 1,
        "the hand-over", PATIENCE);
      await place.restart(signal);
      hosts.add(await place.host());
      notCut(await soon(ending, "the end of the answer"));
      const [turn] = await one.settled(1);
      assert.equal(turn.text, "Hello from here.");
      assert.equal(ofType(turn, "error").length, 0);
      await goesOnWith(one, "hi");
    }), { detail: `the gateway gets ${signal} before an agent is there` });

    agentRow(78, (t) => scene(t, "pinned", async ({ place, one, apiClient }) => {
      const key = one.chat;
      t.after(() => openGate(key));
      const said = `/tool pause ${JSON.stringify({ key })}`;
      const ending = begin(t, one, calls(["pause", { key }]), { first: said, apiClient })
        .then(outcome);
      await one.noted("pause");
      await place.restart(signal);
      openGate(key);
      notCut(await soon(ending, "the end of the answer"));
      await one.settled(1);
      await goesOnWith(one, said);
    }), { detail: `the gateway gets ${signal} in step 2` });
  });
}
