// Head starts by the gateway that meet agents, models and workers which do not do their part, for
// agents in every language (R-HDS-12, R-HDS-18, R-HDS-22, R-HDS-23).

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { describe, it, test } from "node:test";
import { gateway } from "../compat/harness.mjs";
import { call } from "../compat/lib/wire.mjs";
import { chat, textOf } from "./lib/chat.mjs";
import { scriptedModel } from "./lib/model.mjs";
import { ROOT, SUITE_AGENTS, start } from "./lib/workers.mjs";
import { plain } from "./suite/head-start.mjs";

const { WebSocket } = createRequire(`${ROOT}/clients/typescript/package.json`)("ws");
const model = await scriptedModel();
const warm = (id, wait = "20s") => `
[[agent]]
id = "${id}"
backend = "link"
head_start = { backend = "openai", url = "${model.url}", model = "m", wait = "${wait}" }
`;
const suite = (wait) => ({ agents:
  Object.values(SUITE_AGENTS).map(({ agent }) => warm(agent, wait)).join("") });
const gw = await gateway(suite());

/** The stored answer is the partial one; the agent answers the next message. */
async function partial(talk, parts) {
  const [, answer, ...more] = await talk.transcript();
  assert.deepEqual([plain(answer).map(({ type, text }) => text ?? type), more], [parts, []]);
  assert.deepEqual(await talk.settled(await talk.say("say on")), []);
  assert.deepEqual(plain((await talk.transcript()).at(-1)).map(({ text }) => text), ["on"]);
}

for (const [language, { agent, command }] of Object.entries(SUITE_AGENTS)) {
  start(gw, command);
  describe(`an agent of ${language} that rejects the hand-over`, { concurrency: 4 }, () => {
    for (const [what, said, parts] of [["of the whole answer", "text Hello.", ["Hello."]],
      ["of a call", 'text Hello. + call search {"query":"a"}', ["Hello."]]]) {
      it(`${what}: its error ends the turn, and what was shown is kept`, async () => {
        const talk = await chat(gw, agent);
        const errors = await talk.settled(await talk.say(`model ${said} + reject`));
        assert.deepEqual(errors, ["not today"]);
        assert.equal(textOf(talk.out), "Hello.");
        assert.ok(!talk.out.some(({ data }) => data?.type === "tool-output-available"));
        await partial(talk, parts);
      });
    }

    it("of nothing, for the model refused", async () => {
      const talk = await chat(gw, agent);
      assert.deepEqual(await talk.settled(await talk.say("say no + reject")), ["not today"]);
      assert.equal(textOf(talk.out), "");
    });
  });

  test(`arguments that nobody can read are a call that failed (${language})`, async () => {
    const talk = await chat(gw, agent);
    const seq = await talk.say(
      'model text Hm. + call search {"query": + call search {"query":"b"}');
    assert.deepEqual(await talk.settled(seq), []);
    const [, answer] = await talk.transcript();
    const [text, broken, whole, end] = plain(answer);
    assert.deepEqual([text.text, broken.state, whole.output],
      ["Hm.", "output-error", { found: "b" }]);
    assert.match(broken.errorText, /^the model's arguments are not JSON/);
    assert.equal(end.text, `Then: ${broken.errorText}, {"found":"b"}.`);
    assert.deepEqual(await talk.reduced(), answer);
  });

  for (const [what, env] of [["the name", { SUITE_TOOL: "two words" }],
    ["the schema", { SUITE_SCHEMA: '"text"' }]]) {
    test(`a tool of which ${what} is invalid ends a worker of ${language}`, async () => {
      const worker = start(gw, command, { env });
      const { code } = await worker.ended;
      assert.equal(code, 1, worker.log());
      assert.match(worker.log(), /invalid_registration/);
    });
  }

  for (const [what, ask, shown] of [["the whole answer", "model text Hello.", "Hello."],
    ["a call", 'model text Hello. + call search {"query":"a"}', "Hello."]]) {
    test(`nobody of ${language} takes ${what} over in time, and then one comes`, async () => {
      const own = await gateway(suite("300ms"));
      const first = start(own, command);
      // What an agent takes over is known once it was registered.
      const other = await chat(own, agent);
      await other.settled(await other.say("say on"));
      first.kill("SIGKILL");
      await first.ended;
      const talk = await chat(own, agent);
      const errors = await talk.settled(await talk.say(ask));
      assert.equal(errors.length, 1);
      assert.match(errors[0], /did not take the answer over in time/);
      start(own, command);
      assert.equal(textOf(talk.out), shown);
      await partial(talk, [shown]);
      assert.equal(textOf(talk.out), `${shown}on`);
      const outputs = talk.out.filter(({ data }) => data?.type?.startsWith("tool-output"));
      assert.deepEqual(outputs, [], "no tool ran");
    });
  }
}

// ---- workers by hand ---------------------------------------------------------------------------

/** A link that registers agent `id`; gives ways to send frames and to wait for one of a type. */
async function linked(t, gateway, id) {
  const socket = new WebSocket(`${gateway.url.replace("http", "ws")}/v1/agents/link`,
    "tidegate.agent.v1", { headers: { authorization: `Bearer ${gateway.key}` } });
  t.after(() => socket.terminate());
  const frames = [];
  let wake = () => {};
  socket.on("message", (data) => wake(frames.push(JSON.parse(data))));
  await new Promise((done, failed) => socket.on("open", done).on("error", failed));
  const send = (frame) => socket.send(JSON.stringify(frame));
  const beat = setInterval(() => send({ t: "ping" }), 2_000);
  t.after(() => clearInterval(beat));
  const next = async (kind) => {
    for (;;) {
      const at = frames.findIndex(({ t: found }) => found === kind);
      if (at >= 0) return frames.splice(at, 1)[0];
      await new Promise((done) => (wake = done));
    }
  };
  send({ t: "hello", worker: `by-hand-${id}`, epoch: 1, capacity: 4,
    agents: [{ id, mode: "turns", handover: "calls", tools: [{ name: "search" }] }] });
  await next("welcome");
  return { send, next };
}

const HAND = ["early", "quitter", "failing", "late"];
const hand = await gateway({ agents: HAND.map((id) => warm(id)).join("") });

test("what a worker sends before the hand-over is refused, and takes no effect", async (t) => {
  const { send, next } = await linked(t, hand, "early");
  const talk = await chat(hand, "early");
  const seq = await talk.say("model text Hello. + hang");
  const { id, head_start: headStart } = await next("turn");
  assert.equal(headStart, true);
  await talk.shows("Hello.");
  send({ t: "out", id, seq: 1, chunks: [{ type: "text-start", id: "x" },
    { type: "text-delta", id: "x", delta: "Mine." }, { type: "text-end", id: "x" }] });
  const { code, seq: of } = await next("error");
  assert.deepEqual([code, of], ["invalid_body", 1]);
  await talk.stop();
  assert.equal((await next("cancel")).id, id);
  assert.deepEqual(await talk.settled(seq), []);
  assert.equal(textOf(talk.out), "Hello.");
});

for (const [agent, error, told] of [["quitter", undefined, "it took nothing over"],
  ["failing", "out of order", "out of order"]]) {
  test(`a worker that is done before the hand-over (${agent}) ends the turn`, async (t) => {
    const { send, next } = await linked(t, hand, agent);
    const talk = await chat(hand, agent);
    const seq = await talk.say("model text Hello. + hang");
    const { id } = await next("turn");
    await talk.shows("Hello.");
    send({ t: "done", id, seq: 1, error });
    const errors = await talk.settled(seq);
    assert.equal(errors.length, 1);
    assert.ok(errors[0].includes(told), errors[0]);
    const [, answer] = await talk.transcript();
    assert.deepEqual(plain(answer).map(({ text }) => text), ["Hello."]);
  });
}

test("a worker that fails what it was handed ends the turn, and is done with it", async (t) => {
  const { send, next } = await linked(t, hand, "late");
  const talk = await chat(hand, "late");
  const seq = await talk.say('model text Hello. + call search {"query":"a"}');
  const { id } = await next("turn");
  const { outcome, message } = await next("handover");
  assert.deepEqual([outcome, plain(message).length], ["calls", 2]);
  send({ t: "done", id, seq: 1, error: "not mine" });
  assert.deepEqual(await talk.settled(seq), ["not mine"]);
  send({ t: "out", id, seq: 2, chunks: [{ type: "text-start", id: "x" }] });
  assert.equal((await next("error")).code, "not_held");
  const fates = await (await call(hand, `/v1/sessions/${talk.id}/inputs`)).json();
  assert.ok(fates.inputs.every(({ fate }) => fate !== null));
});
