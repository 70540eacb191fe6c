// Head starts for agents in every language, in which the gateway, the agent, its link, the model or
// the client goes away at any time: every message gets one boundary, nothing is shown twice or
// lost, and a reader that comes back misses nothing.

import assert from "node:assert/strict";
import { test } from "node:test";
import { breaks, calls, gate, refuses, says, vanishes, warmModel }
  from "../compat/agents/lib/warm.mjs";
import { ROUNDS_MS, rounds } from "../compat/agents/lib/rounds.mjs";
import { restartable } from "../compat/lib/restartable.mjs";
import { call, eventually, header, records } from "../compat/lib/wire.mjs";
import { chat, textOf } from "./lib/chat.mjs";
import { resuming } from "./lib/reader.mjs";
import { SUITE_AGENTS, start } from "./lib/workers.mjs";

const model = await warmModel();
const search = (text) => [["search", { query: text }]];

/** What a step may do; `text` is said by no other. */
const STEPS = {
  says: (text, gates) => says(`${text} and more.`, gates),
  breaks: (text, { hold }) => breaks(`${text} `, { hold }),
  refuses: (text, { before }) => refuses({ before }),
  vanishes: () => vanishes(),
  calls: (text, { hold }) => calls(search(text), { said: `${text} `, hold }),
  silentCalls: (text, { hold }) => calls(search(text), { said: "", hold }),
  unlisted: (text, { hold }) => calls([["other", {}]], { said: `${text} `, hold }),
};
const SILENT = ["refuses", "vanishes", "silentCalls"];
const PHASES = ["before", "middle", "behind"];
const EVENTS = ["nothing", "stop", "message", "kill", "restart", "client"];

/** One chat, and what was done to it. */
class Round {
  constructor(place, pick) {
    Object.assign(this, { place, pick, said: [], asked: [], texts: [], log: [] });
    this.language = pick(Object.keys(SUITE_AGENTS));
    this.title = `in ${this.language}`;
  }

  async submit(text) {
    this.said.push(`say ${text}`);
    this.asked.push(await this.talk.say(`say ${text}`));
    return this.asked.at(-1);
  }

  fates = async () => {
    const answer = await call(this.place.gw, `/v1/sessions/${this.talk.id}/inputs`);
    return (await answer.json()).inputs;
  };

  records = () => records(this.place.gw, this.talk.id);

  isCovered = async (seq) => (await this.fates()).some((fate) =>
    fate.seq === seq && fate.fate !== null);

  /** One message, and what happens in a phase of its step. */
  async message(number) {
    const { talk, pick } = this;
    const gates = { before: gate(), hold: gate() };
    const [kind, phase, event] = [pick(Object.keys(STEPS)), pick(PHASES), pick(EVENTS)];
    const text = `step-${talk.id}-${number}`;
    this.log.push(`${kind}: ${event} ${phase}`);
    this.texts.push(text);
    const before = model.asks(talk.id).length;
    model.replace(talk.id, STEPS[kind](text, gates));
    const seq = await this.submit(`${talk.id}-${number}`);
    if (phase !== "before") gates.before.open();
    if (phase === "behind") gates.hold.open();
    await eventually(async () => {
      if (await this.isCovered(seq)) return true;
      if (phase === "before" || SILENT.includes(kind)) return model.asks(talk.id).length > before;
      return textOf(await this.records()).includes(text);
    }, `the phase ${phase} of ${kind} in ${talk.id}`);
    await this.happen(event, number);
    gates.before.open();
    gates.hold.open();
    for (const some of this.asked) {
      await eventually(() => this.isCovered(some), `the end of ${some} in ${talk.id}`);
    }
  }

  async happen(event, number) {
    if (event === "stop") await this.talk.stop();
    if (event === "message") await this.submit(`too-${this.talk.id}-${number}`);
    if (event === "kill") await this.place.revive(this.language);
    if (event === "restart") await this.place.restart("SIGKILL");
    if (event === "client") this.reader.drop();
  }

  async run() {
    this.talk = await chat(this.place.gw, SUITE_AGENTS[this.language].agent);
    this.reader = resuming(this.place.gw, this.talk.id);
    const count = 1 + this.pick([0, 1, 2]);
    for (let number = 0; number < count; number += 1) {
      // Another worker has not served the chat: its agent is cold.
      if (number > 0) await this.place.revive(this.language);
      await this.message(number);
    }
    model.replace(this.talk.id, refuses());
    const seq = await this.talk.say("history");
    await eventually(() => this.isCovered(seq), `the history of ${this.talk.id}`);
    await this.check();
  }

  async check() {
    const fates = await this.fates();
    assert.deepEqual(fates.filter(({ fate }) => fate === null), [], "nothing is owed at rest");
    const all = await this.records();
    const shown = textOf(all);
    for (const text of this.texts) {
      const count = shown.split(`${text} `).length - 1;
      assert.ok(count <= 1, `${text} was shown ${count} times`);
    }
    const bounds = all.filter((record) => header(record, "trigger-control") === "turn-complete");
    const covers = bounds.map((record) => Number(header(record, "session-in-event-id")));
    assert.equal(new Set(covers).size, covers.length, `one boundary each: ${covers}`);
    const transcript = await this.talk.transcript();
    const told = transcript.at(-1).parts.at(-1).text.replace(/^\d+: /, "");
    assert.equal(told, [...this.said, "history"].join(" | "), "all that was said, and once");
    const ids = transcript.map(({ id }) => id);
    assert.equal(new Set(ids).size, ids.length, "no message is stored twice");
    const { read, log } = await this.reader.beside(all);
    assert.deepEqual(read, log, "what was read piece by piece");
  }
}

/** A gateway on disk with a worker for each language. */
async function scene(t) {
  const agents = Object.values(SUITE_AGENTS).map(({ agent }) => model.agent(agent,
    { tools: [{ name: "search", parameters: { type: "object" } }] })).join("");
  const place = await restartable(t, { drain: "1s", agents });
  const workers = {};
  const revive = async (language) => {
    workers[language]?.kill("SIGKILL");
    await workers[language]?.ended;
    workers[language] = start(place.gw, SUITE_AGENTS[language].command);
  };
  for (const language of Object.keys(SUITE_AGENTS)) await revive(language);
  return Object.assign(place, { revive });
}

test("anything at any time", { timeout: ROUNDS_MS }, async (t) => {
  const place = await scene(t);
  await rounds(t, (pick) => new Round(place, pick));
});
