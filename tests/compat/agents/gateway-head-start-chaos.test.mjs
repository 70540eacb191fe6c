// Head starts that the gateway makes, in which anything may happen at any time: every message gets
// one boundary, nothing is shown or said twice, and nothing is lost of what was said.

import assert from "node:assert/strict";
import { after, test } from "node:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { restartable } from "../lib/restartable.mjs";
import { configure } from "../lib/sdk.mjs";
import { eventually, header } from "../lib/wire.mjs";
import { resuming } from "../../native/lib/reader.mjs";
import { startHost } from "./lib/host.mjs";
import { ROUNDS_MS, rounds } from "./lib/rounds.mjs";
import { PATIENCE } from "./lib/started.mjs";
import { Talk, split } from "./lib/talk.mjs";
import { breaks, calls, gate, refuses, says, warmModel } from "./lib/warm.mjs";

const FILES = { starter: "headstart", pinned: "../pinned/headstart" };
const notes = await mkdtemp(join(tmpdir(), "tidegate-agents-"));
process.env.AGENT_NOTES = notes;
after(() => rm(notes, { recursive: true, force: true }));
const model = await warmModel();

/** What a step may do; `text` is said by no other. */
const STEPS = {
  says: (text, gates) => says(`${text} and more.`, gates),
  breaks: (text, { hold }) => breaks(text, { hold }),
  refuses: (text, { before }) => refuses({ before }),
  calls: (text, { hold }) => calls([["weather", { city: text }]], { said: `${text} `, hold }),
  silentCalls: (text, { hold }) => calls([["weather", { city: text }]], { said: "", hold }),
  unlisted: (text, { hold }) => calls([["delete", {}]], { said: `${text} `, hold }),
};
const PHASES = ["before", "middle", "behind"];
const EVENTS = ["nothing", "stop", "message", "kill", "restart", "client"];

/** One chat, and what was done to it. */
class Round {
  constructor(place, pick) {
    Object.assign(this, { place, pick, said: [], asked: [], stops: [], texts: [], log: [] });
    this.agent = pick(Object.keys(FILES));
    this.title = `with ${this.agent}`;
    this.one = new Talk(place.gw, this.agent, { patience: PATIENCE });
  }

  fates = () => this.one.fates();

  records = () => this.one.records();

  async submit(text) {
    this.said.push(text);
    this.asked.push(await this.one.submit(text));
    return this.asked.at(-1);
  }

  isCovered(seq) {
    return this.fates().then((fates) =>
      fates.some((fate) => fate.seq === seq && fate.fate !== null));
  }

  /** One message, and what happens in a phase of its step. */
  async message(number) {
    const { one, pick } = this;
    const gates = { before: gate(), hold: gate() };
    const [kind, phase, event] = [pick(Object.keys(STEPS)), pick(PHASES), pick(EVENTS)];
    const text = `step-${one.chat}-${number}`;
    this.log.push(`${kind}: ${event} ${phase}`);
    this.texts.push({ text, killed: event === "kill" || event === "restart" });
    const before = model.asks(one.chat).length;
    model.replace(one.chat, STEPS[kind](text, gates));
    const seq = await this.submit(`say-${one.chat}-${number}`);
    const reached = async () => {
      if (await this.isCovered(seq)) return true;
      if (phase === "before") return model.asks(one.chat).length > before;
      return JSON.stringify(await one.records()).includes(text) || kind.startsWith("refuses") ||
        kind.startsWith("silent");
    };
    if (phase !== "before") gates.before.open();
    if (phase === "behind") gates.hold.open();
    await eventually(reached, `the phase ${phase} of ${kind} in ${one.chat}`, PATIENCE);
    await this.happen(event, number);
    gates.before.open();
    gates.hold.open();
    for (const some of this.asked) {
      await eventually(() => this.isCovered(some), `the end of ${some} in ${one.chat}`, PATIENCE);
    }
  }

  async happen(event, number) {
    if (event === "stop") this.stops.push(await this.one.stop());
    if (event === "message") await this.submit(`too-${this.one.chat}-${number}`);
    if (event === "client") this.reader.drop();
    if (event === "kill") await this.place.revive(this.agent);
    if (event === "restart") {
      await this.place.restart("SIGKILL");
      // It may not know the agent yet, to which the next message would be strange.
      await this.place.served(this.agent);
    }
  }

  /** The agent is cold for what comes next. */
  async cool() {
    const { currentRunId } = await this.one.row();
    const seq = await this.one.payload({ trigger: "close" });
    await eventually(() => this.isCovered(seq), `the close of ${this.one.chat}`, PATIENCE);
    // One that a stop made needless before it began waits for the next message.
    await eventually(async () => {
      const { isCompleted, isQueued } = await this.one.run(currentRunId);
      return isCompleted || isQueued;
    }, `the end of run ${currentRunId}`, PATIENCE);
  }

  async run() {
    await this.one.open();
    this.reader = resuming(this.place.gw, this.one.chat);
    const count = 1 + this.pick([0, 1, 2]);
    for (let number = 0; number < count; number += 1) {
      if (number > 0 && this.pick([true, true, false])) await this.cool();
      await this.message(number);
    }
    model.replace(this.one.chat, refuses());
    const last = await this.submit("last");
    const turn = await this.one.covered(last);
    assert.equal(turn.text, `heard ${this.said.join(" | ")}`, "all that was said, and once");
    await this.check();
  }

  async check() {
    const { one } = this;
    const fates = await one.fates();
    assert.deepEqual(fates.filter(({ fate }) => fate === null), [], "nothing is owed at rest");
    const all = await one.records();
    const bounds = all.filter((record) => header(record, "trigger-control") === "turn-complete");
    // Record 0 can't be read behind a trim; it begins an answer, or is a boundary: then what comes
    // next is the beginning of another one, or what fences a run before that.
    const begins = ({ data }) => data?.type === "start";
    const isFence = (record) => header(record, "trigger-control") === "keep-alive";
    const first = all[0].seqNum === 1 && (begins(all[0]) || isFence(all[0])) ? 1 : 0;
    const idle = fates.filter(({ seq, turn }) => this.stops.includes(seq) && turn === null);
    const again = this.texts.some(({ killed }) => killed) ? repeats(split(all)) : 0;
    assert.equal(bounds.length + first - again, this.asked.length + idle.length,
      "one boundary each");
    const shown = all.filter(({ data }) => data?.type === "text-delta")
      .map(({ data }) => data.delta).join("");
    for (const { text, killed } of this.texts) {
      const echoes = one.notes("weather").filter(({ city }) => city === text).length;
      assert.ok(killed || echoes <= 1, `the tool of ${text} ran ${echoes} times`);
      const count = shown.split(`${text} `).length - 1;
      assert.ok(count <= 1, `${text} was shown ${count} times`);
    }
    const stored = await one.saved((some) => some.length > 0);
    const ids = stored.map(({ id }) => id);
    assert.equal(new Set(ids).size, ids.length, "no message is stored twice");
    const { read, log } = await this.reader.beside(await one.records());
    assert.deepEqual(read, log, "what was read piece by piece");
  }
}

/**
 * How many turns are empty and cover what was covered: the SDK's, of a message whose run was killed
 * between its boundary and what it stores of it.
 */
const repeats = (turns) => turns.filter(({ types, floor }, at) =>
  at > 0 && types.length === 0 && floor === turns[at - 1].floor).length;

/** A gateway on disk with a host for each agent. */
async function scene(t) {
  const place = await restartable(t, { drain: "1s",
    agents: model.agent("starter") + model.agent("pinned") });
  configure({ baseURL: place.gw.url, secretKey: place.gw.key });
  const hosts = {};
  const start = async (agent) => (hosts[agent] = await startHost(place.gw, [FILES[agent]],
    { notes }));
  for (const agent of Object.keys(FILES)) await start(agent);
  t.after(() => Promise.all(Object.values(hosts).map((host) => host.stop("SIGKILL"))));
  place.revive = async (agent) => {
    await hosts[agent].stop("SIGKILL");
    await start(agent);
  };
  place.served = async (agent) => {
    const one = new Talk(place.gw, agent, { patience: PATIENCE });
    model.replace(one.chat, refuses());
    await one.open();
    await one.turn(`hi ${one.chat}`);
  };
  return place;
}

test("anything at any time", { timeout: ROUNDS_MS }, async (t) => {
  const place = await scene(t);
  await rounds(t, (pick) => new Round(place, pick));
});
