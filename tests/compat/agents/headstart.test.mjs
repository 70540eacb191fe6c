// Rows 77, 78, 80: head starts that go well.

import assert from "node:assert/strict";
import { all, mint, newTransport, say, textOf } from "../lib/chats.mjs";
import {
  calls, chunksOf, credentials, handover, prepare, read, runOf, says, stepChunks, text,
} from "../lib/head-start.mjs";
import { chatServer, sessions } from "../lib/sdk.mjs";
import { eventually } from "../lib/wire.mjs";
import { agentRow } from "./lib/row.mjs";
import { stage } from "./lib/stage.mjs";
import {
  IN_ROME, PATIENCE, WEATHER, begin, goesOn, handedOver, ofType, soon,
} from "./lib/started.mjs";
import { messageText } from "./lib/talk.mjs";

const made = await stage(["headstart"]);
await made.start(["../pinned/headstart"]);
const { gw } = made;
const talk = (agent) => made.talk(agent, { patience: PATIENCE });
const HELLO = "Hello from here.";

agentRow(77, async (t) => {
  const one = talk("starter");
  const chunks = await soon(begin(t, one, says(HELLO)).then(read), "the answer");
  const [turn] = await one.settled(1);
  assert.deepEqual(turn.chunks, chunks.slice(0, -2), "the log holds what the page got");
  assert.deepEqual(turn.types.filter((type) => type !== "text-delta"),
    ["start", "start-step", "text-start", "text-end", "finish-step", "finish"]);
  assert.equal(turn.text, HELLO);
  assert.ok(turn.floor >= 0, "it covers the hand-over");
  const [done] = await one.noted("onTurnComplete");
  assert.deepEqual([done.roles, done.response], [["user", "assistant"], chunks[0].messageId]);
  assert.equal(one.notes("run").length, 0, "the agent's model is not asked");
  const stored = await one.saved((some) => some.length === 2);
  assert.equal(stored[1].id, chunks[0].messageId);
  assert.equal(messageText(stored[1]), HELLO);
  await goesOn(one, 1, ["hi"]);
  assert.equal(one.notes("onBoot").length, 1, "the same run goes on");
});

agentRow(77, async (t) => {
  const one = talk("sleeper");
  const history = [say("before"), { id: "a0", role: "assistant",
    parts: [{ type: "text", text: "indeed" }] }];
  await soon(begin(t, one, says(HELLO), { history }).then(read), "the answer");
  const stored = await one.saved((some) => some.length === 4);
  assert.deepEqual(stored.map(messageText), ["before", "indeed", "hi", HELLO]);
  await goesOn(one, 1, ["before", "hi"]);
}, { detail: "with a history, and a run that parks" });

/** A whole head start by hand; gives what its handler could still write with. */
async function handed(one, words = HELLO) {
  await prepare(gw, { agent: one.agent, chat: one.chat, messages: [say("hi", "u1")] });
  const writer = await credentials(gw, one.chat);
  const { out } = sessions.open(one.chat);
  assert.equal((await writer.write(stepChunks("m1", words))).status, 200);
  await out.append({ type: "data-note", data: 1 });
  await one.append(handover("m1", text(words), true));
  await one.settled(1);
  return { writer, out };
}

agentRow(77, async () => {
  const one = talk("starter");
  await handed(one);
  assert.deepEqual(await handedOver(one), [{ fate: "applied", turn: 1 }]);
}, { detail: "the hand-over was applied with the turn" });

agentRow(77, async () => {
  const one = talk("starter");
  const { writer } = await handed(one);
  const count = (await one.records()).length;
  const late = await writer.write([{ type: "data-late", data: 1 }]);
  assert.equal(late.status, 409);
  assert.equal((await late.json()).code, "fenced");
  assert.equal((await one.records()).length, count);
}, { detail: "the handler can't write behind it" });

agentRow(77, async () => {
  const one = talk("starter");
  const { out } = await handed(one);
  const count = (await one.records()).length;
  await assert.rejects(soon(out.append({ type: "data-late", data: 1 }), "the refusal"),
    (error) => !/did not come/.test(error.message));
  assert.equal((await one.records()).length, count);
}, { detail: "nor can the SDK's writer" });

agentRow(78, async (t) => {
  const one = talk("pinned");
  const chunks = await soon(begin(t, one, calls(IN_ROME), { first: WEATHER }).then(read),
    "the answer");
  const [turn] = await one.settled(1);
  assert.deepEqual(turn.chunks, chunks.slice(0, -2), "the log holds what the page got");
  const starts = ofType(turn, "start").map(({ messageId }) => messageId);
  assert.deepEqual(starts, [starts[0], starts[0]], "both steps are one message");
  assert.deepEqual(ofType(turn, "tool-output-available").map(({ output }) => output),
    [{ city: "Rome", celsius: 12 }]);
  assert.equal(turn.text,
    `Let me see. weather gave {"city":"Rome","celsius":12} after ${WEATHER}`);
  assert.equal(one.notes("weather").length, 1, "the tool ran once");
  const stored = await one.saved((some) => messageText(some.at(-1)) === turn.text);
  assert.deepEqual(stored.map(({ role }) => role), ["user", "assistant"]);
  assert.equal(stored[1].id, starts[0]);
  const part = stored[1].parts.find(({ type }) => type === "tool-weather");
  assert.deepEqual([part.state, part.output],
    ["output-available", { city: "Rome", celsius: 12 }]);
  await goesOn(one, 1, [WEATHER]);
});

agentRow(78, async (t) => {
  const one = talk("pinned");
  await soon(begin(t, one, calls(IN_ROME), { first: WEATHER }).then(read), "the answer");
  await one.settled(1);
  assert.deepEqual(await handedOver(one), [{ fate: "applied", turn: 1 }]);
}, { detail: "the hand-over was applied with the turn" });

/** A page that comes to a chat, with what it knows. */
async function page(one, state = {}) {
  const session = { publicAccessToken: await mint(one.chat), ...state };
  return newTransport(gw, { agent: one.agent, sessions: { [one.chat]: session } }).transport;
}

agentRow(80, async () => {
  const one = talk("starter");
  let release;
  const hold = new Promise((done) => (release = done));
  const { completion } = await chatServer.startHeadStart({ agentId: one.agent,
    chatId: one.chat, messages: [say("hi")], run: runOf(says(HELLO, { hold })) });
  const reading = page(one).then((transport) =>
    transport.reconnectToStream({ chatId: one.chat })).then(all);
  await one.streaming(5);
  release();
  await soon(completion, "the completion");
  const chunks = await soon(reading, "the page's answer");
  assert.equal(textOf(chunks), HELLO);
  const [turn] = await one.settled(1);
  assert.deepEqual(turn.chunks, chunks, "a page that comes in step 1 sees the whole turn");
  await goesOn(one, 1, ["hi"]);
});

agentRow(80, async () => {
  const one = talk("pinned");
  const { completion } = await chatServer.startHeadStart({ agentId: one.agent,
    chatId: one.chat, messages: [say(WEATHER)], run: runOf(calls(IN_ROME)) });
  await soon(completion, "the completion");
  const transport = await page(one);
  await one.settled(1);
  const chunks = await soon(transport.reconnectToStream({ chatId: one.chat }).then(all),
    "the page's answer");
  assert.ok(textOf(chunks).endsWith(` after ${WEATHER}`), "both steps");
  assert.equal((await one.turns()).length, 1);
}, { detail: "with a tool call" });

agentRow(80, async (t) => {
  const one = talk("starter");
  const answer = await begin(t, one, says(HELLO));
  const publicAccessToken = answer.headers.get("x-trigger-chat-access-token");
  const chunks = await soon(read(answer), "the answer");
  assert.equal(chunks.at(-1).type, "trigger:session-state");
  const transport = await page(one, { publicAccessToken, lastEventId: chunks.at(-1).lastEventId });
  assert.deepEqual(await soon(transport.reconnectToStream({ chatId: one.chat }).then(all),
    "the end of what is settled"), [], "nothing comes twice");
  const next = await soon(transport.sendMessages({ trigger: "submit-message", chatId: one.chat,
    messages: [say("again")] }).then(all), "the next answer");
  assert.equal(textOf(next), "heard hi | again");
}, { detail: "the route's token and cursor serve the next page" });

agentRow(80, async (t) => {
  const one = talk("starter");
  const answer = await begin(t, one, says(HELLO), { triggerConfig: { lockToVersion: "late" } });
  assert.equal(answer.headers.get("x-trigger-chat-pending-version"), "1");
  const chunks = chunksOf(answer);
  const seen = [];
  while (textOf(seen) !== HELLO) seen.push((await chunks.next()).value);
  const late = await made.start(["headstart"], { version: "late" });
  const rest = [];
  await soon((async () => {
    for await (const chunk of chunks) rest.push(chunk);
  })(), "the rest");
  assert.deepEqual(rest.slice(-2).map(({ type }) => type),
    ["trigger:turn-complete", "trigger:session-state"]);
  await eventually(() => one.notes("onTurnComplete").length === 1, "the hooks", PATIENCE);
  assert.equal((await one.turns()).length, 1);
  await late.stop();
}, { detail: "step 1 does not wait for a version that is not deployed" });
