// Head starts that the gateway makes, and in which it is killed, or drained: what is on disk is
// enough to go on from (R-HDS-15, R-HDS-16).

import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { restartable } from "../lib/restartable.mjs";
import { eventually } from "../lib/wire.mjs";
import { configure } from "../lib/sdk.mjs";
import { closeGate, openGate } from "./fixtures/lib/notes.mjs";
import { startHost } from "./lib/host.mjs";
import { PATIENCE, handedOver, ofType } from "./lib/started.mjs";
import { Talk, messageText } from "./lib/talk.mjs";
import { atRest, calls, fateOf, gate, kept, onlyId, says, stored, warmModel }
  from "./lib/warm.mjs";

const notes = await mkdtemp(join(tmpdir(), "tidegate-agents-"));
process.env.AGENT_NOTES = notes;
after(() => rm(notes, { recursive: true, force: true }));
const model = await warmModel();
const HELLO = "Hello from here.";

/** A gateway that can be started again, hosts, and a chat whose first message was sent. */
async function scene(t, agent, step, { message, hosted = true } = {}, body) {
  const place = await restartable(t, { drain: "1s",
    agents: ["starter", "pinned", "gated", "slow"].map((id) => model.agent(id)).join("") });
  configure({ baseURL: place.gw.url, secretKey: place.gw.key });
  const files = { starter: "headstart", gated: "headstart", pinned: "../pinned/headstart",
    slow: "../pinned/headstart" };
  const hosts = [];
  place.host = async () => {
    const host = await startHost(place.gw, [files[agent]], { notes });
    hosts.push(host);
    return host;
  };
  try {
    const host = await place.host();
    const one = new Talk(place.gw, agent, { patience: PATIENCE });
    model.tell(one.chat, step(one));
    await one.open();
    if (!hosted) await host.stop("SIGKILL");
    const seq = await one.submit(message?.(one) ?? `hi ${one.chat}`);
    await model.asked(one.chat);
    await body({ place, one, seq, host });
  } finally {
    for (const host of hosts) await host.stop("SIGKILL");
  }
}

/** The next message is answered with all that was said. */
async function goesOn(one, heard, before) {
  const next = await one.turn("next");
  assert.equal(next.text, `heard ${[...heard, "next"].join(" | ")}`);
  await atRest(one, before + 1);
}

for (const signal of ["SIGKILL", "SIGTERM"]) {
  describe(signal, () => {
    for (const agent of ["starter", "pinned"]) {
      test(`before the first token (${agent})`, async (t) => {
        const before = gate();
        t.after(before.open);
        await scene(t, agent, () => says(HELLO, { before }), {}, async ({ place, one, seq }) => {
          await place.restart(signal);
          before.open();
          const turn = await one.covered(seq);
          assert.ok([HELLO, `heard hi ${one.chat}`].includes(turn.text), turn.text);
          assert.equal(ofType(turn, "error").length, 0, turn.types.join(" "));
          await stored(one, [`hi ${one.chat}`, turn.text]);
          await goesOn(one, [`hi ${one.chat}`], 1);
        });
      });

      test(`behind the first token (${agent})`, async (t) => {
        const hold = gate();
        t.after(hold.open);
        await scene(t, agent, () => says(HELLO, { hold }), {}, async ({ place, one, seq }) => {
          await one.streaming(6);
          await place.restart(signal);
          hold.open();
          const [turn] = await one.settled(1);
          assert.ok(["Hello from ", HELLO].includes(turn.text), turn.text);
          const cut = turn.text !== HELLO;
          assert.equal(ofType(turn, "error").length, cut ? 1 : 0, turn.types.join(" "));
          assert.equal((await fateOf(one, seq)).fate, cut ? "rejected" : "answered");
          const id = onlyId(turn);
          const saved = await stored(one, [`hi ${one.chat}`, turn.text]);
          assert.equal(saved[1].id, id);
          await goesOn(one, [`hi ${one.chat}`], 1);
          const after = await one.saved((some) => some.length === 4);
          assert.equal(messageText(after[1]), turn.text, "kept, and once");
        });
      });

      test(`behind the hand-over, before an agent is there (${agent})`, async (t) => {
        await scene(t, agent, () => says(HELLO), { hosted: false }, async ({ place, one }) => {
          await eventually(async () => (await handedOver(one)).length === 1, "the hand-over");
          await place.restart(signal);
          await place.host();
          const [turn] = await one.settled(1);
          assert.equal(turn.text, HELLO);
          assert.equal(ofType(turn, "error").length, 0, turn.types.join(" "));
          await stored(one, [`hi ${one.chat}`, HELLO]);
          await goesOn(one, [`hi ${one.chat}`], 1);
        });
      });
    }

    for (const agent of ["gated", "slow"]) {
      test(`behind the hand-over, and the agent boots meanwhile (${agent})`, async (t) => {
        const closed = [];
        t.after(() => closed.forEach(openGate));
        const step = (one) => {
          openGate(`boot-${one.chat}`);
          return says("One.");
        };
        await scene(t, agent, step, {}, async ({ place, one, host }) => {
          await one.settled(1);
          await kept(one);
          const before = one.notes("onBoot").length;
          await host.stop("SIGKILL");
          closeGate(`boot-${one.chat}`);
          closed.push(`boot-${one.chat}`);
          model.tell(one.chat, says(HELLO));
          const seq = await one.submit("second");
          await eventually(async () => (await handedOver(one)).length === 2, "the hand-over");
          await place.host();
          await one.noted("onBoot", before + 1);
          // It may go on without the history, which it can't load; nobody may see anything of that.
          await place.restart(signal, () => openGate(`boot-${one.chat}`));
          const turn = await one.covered(seq);
          assert.equal(turn.text, HELLO);
          assert.equal(ofType(turn, "error").length, 0, turn.types.join(" "));
          await stored(one, [`hi ${one.chat}`, "One.", "second", HELLO]);
          await goesOn(one, [`hi ${one.chat}`, "second"], 2);
        });
      });
    }

    test("while the agent runs the tool", async (t) => {
      const said = (one) => `/tool pause {"key":"${one.chat}"}`;
      const step = (one) => calls([["pause", { key: one.chat }]]);
      await scene(t, "pinned", step, { message: said }, async ({ place, one }) => {
        t.after(() => openGate(one.chat));
        await one.noted("pause");
        await place.restart(signal);
        openGate(one.chat);
        await one.settled(1);
        const next = await one.turn("/prompt next");
        assert.ok(next.text.includes(`user:${said(one)}`), next.text);
        assert.equal(one.notes("pause").length, 1, "the hand-over ran it once");
        await atRest(one, 2);
      });
    });
  });
}
