// Workers in every language take over head starts alike, from a gateway that is scripted.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { test } from "node:test";
import { resolvers, scripted } from "../../clients/typescript/test/support/scripted.mjs";
import { agentFile, project } from "./lib/example.mjs";
import { SUITE_AGENTS, start } from "./lib/workers.mjs";

const WELCOME = { t: "welcome", heartbeat_ms: 3000, lease_ms: 9000, resume_ms: 600,
  window_bytes: 1 << 20, frame_max_bytes: 1 << 20 };
const USER = { id: "u1", role: "user", parts: [{ type: "text", text: "model hi" }] };

const text = { type: "text", text: "Hello.", state: "done" };
const call = (name, toolCallId, input = {}) =>
  ({ type: `tool-${name}`, toolCallId, state: "input-available", input });
const output = (toolCallId, found) =>
  ({ type: "tool-output-available", toolCallId, output: { found } });
const failed = (toolCallId, errorText) => ({ type: "tool-output-error", toolCallId, errorText });

const INVALID = 'invalid input for tool "search": input.query is missing';
const MIXED = [text, { type: "step-start" }, call("search", "c1", { query: "a" }),
  call("search", "c2"), call("breaks", "c3"), call("nothing", "c4"),
  call("search", "c5", { query: "b" })];
const UNKNOWN = 'this agent has no tool "nothing"';

/** What is handed over, and what the worker sends then: the ends of calls, and the text. */
const CASES = [
  { outcome: "skip", ends: [], says: "Ran." },
  { outcome: "final", parts: [text], ends: [], says: "" },
  { outcome: "text", parts: [text], ends: [], says: "Then: nothing." },
  { outcome: "calls", parts: MIXED,
    ends: [output("c1", "a"), failed("c2", INVALID), failed("c3", "no luck"),
      failed("c4", UNKNOWN), output("c5", "b")],
    says: `Then: {"found":"a"}, ${INVALID}, no luck, ${UNKNOWN}, {"found":"b"}.` },
  { outcome: "calls", parts: [call("show_map", "c1"), call("search", "c2", { query: "a" })],
    ends: [output("c2", "a")], says: "" },
  { outcome: "calls", parts: [call("delete_file", "c1"), call("search", "c2", { query: "a" })],
    ends: [{ type: "tool-approval-request", toolCallId: "c1" }, output("c2", "a")], says: "" },
];

for (const [language, { agent, command }] of Object.entries(SUITE_AGENTS)) {
  test(`a worker of ${language} takes over, also after a cut`, async () => {
    let came = resolvers();
    const url = await scripted((link) => came.resolve(link));
    const linked = async (held) => {
      const link = await came.promise;
      came = resolvers();
      const hello = await link.next();
      assert.deepEqual(hello.work ?? [], held.map((id) => ({ id, acked: 0 })));
      link.send({ ...WELCOME, work: held.map((id) => ({ id, held: true, acked: 0 })) });
      return { ...link, hello };
    };
    start({ url, key: "k" }, command);
    let link = await linked([]);
    checkRegistration(link.hello.agents[0]);
    for (const [index, one] of CASES.entries()) {
      const id = `t_${index}`;
      link.send(turnOf(id, agent));
      await sleep(50);
      if (index % 2 === 0) {
        link.socket.terminate();
        link = await linked([id]);
      }
      checkEnd(await handedOver(link, id, one), one);
    }
  });
}

const compat = createRequire(new URL("../compat/package.json", import.meta.url));
for (const [version, ai] of [["6", "ai"], ["7", compat.resolve("ai7")]]) {
  test(`streamText of ai ${version} goes on from calls, with its own tools`, async () => {
    const came = resolvers();
    const url = await scripted((link) => came.resolve(link));
    const cwd = await project({ "assistant.js": agentFile("assistant.mjs"),
      "model.js": agentFile("model.mjs"), notes: "" });
    const env = { TIDEGATE_AI: ai, TIDEGATE_NOTES: join(cwd, "notes") };
    start({ url, key: "k" }, [process.execPath, "assistant.js"], { cwd, env });
    const link = await came.promise;
    const [{ tools }] = (await link.next()).agents;
    assert.deepEqual(tools.find(({ name }) => name === "weather").input_schema.required, ["city"]);
    link.send({ ...WELCOME, work: [] });
    link.send(turnOf("t_1", "assistant"));
    const parts = [text, call("weather", "c1", { city: "Rome" }), call("crash", "c2")];
    const chunks = await handedOver(link, "t_1", { outcome: "calls", parts });
    const weather = { city: "Rome", sky: "clear" };
    checkEnd(chunks, { ends: [{ type: "tool-output-available", toolCallId: "c1", output: weather },
      failed("c2", "The tool failed.")],
    says: `I heard: model hi. Tool: ${JSON.stringify(weather)}. Tool: "The tool failed.".` });
  });
}

const turnOf = (id, agent) => ({ t: "turn", id, run: "r", session: "s", chat: "c", agent,
  version: "1", turn: 1, attempt: 1, trigger: "submit-message", messages: [USER],
  answer_id: "m1", head_start: true });

/** Hands over, twice, and gives the chunks to the end of the turn. */
async function handedOver({ next, send }, id, { outcome, parts }) {
  const message = parts && { id: "m1", role: "assistant", parts };
  for (let times = 0; times < 2; times += 1) send({ t: "handover", id, outcome, message });
  const chunks = [];
  for (let seq = 1; ; seq += 1) {
    const frame = await next();
    assert.deepEqual([frame.id, frame.seq], [id, seq]);
    chunks.push(...(frame.chunks ?? []));
    send({ t: "ack", id, seq });
    if (frame.t !== "done") continue;
    assert.equal(frame.error, undefined);
    return chunks;
  }
}

function checkEnd(chunks, { ends, says }) {
  const about = chunks.filter(({ toolCallId }) => toolCallId !== undefined)
    .map(({ approvalId, ...chunk }) => chunk)
    .sort((a, b) => a.toolCallId.localeCompare(b.toolCallId));
  assert.deepEqual(about, ends);
  const said = chunks.filter(({ type }) => type === "text-delta").map(({ delta }) => delta);
  assert.equal(said.join(""), says);
}

function checkRegistration({ handover, tools }) {
  assert.equal(handover, "calls");
  const named = new Map(tools.map(({ name, ...rest }) => [name, rest]));
  assert.deepEqual([...named.keys()].sort(),
    ["breaks", "delete_file", "search", "show_map", "sleeps"]);
  assert.deepEqual(named.get("search"), { description: "Finds what it is asked for",
    input_schema: { type: "object", properties: { query: { type: "string" } },
      required: ["query"] } });
  assert.deepEqual(named.get("delete_file"),
    { input_schema: { type: "object" }, needs_approval: true });
}
