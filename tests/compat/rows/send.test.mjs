// Rows 1–9: starting, sending, regenerating, actions, pending messages, tools.

import assert from "node:assert/strict";
import { readUIMessageStream } from "ai";
import { gateway } from "../harness.mjs";
import {
  all, ask, deltas, echo, newChat, newTransport, readUntil, rest, say, send, textOf, words,
} from "../lib/chats.mjs";
import { row } from "../lib/row.mjs";
import { configure, isOldest, sessions } from "../lib/sdk.mjs";
import { boundaries, records, settled } from "../lib/wire.mjs";

const gw = await gateway();
configure({ baseURL: gw.url, secretKey: gw.key });

const inputs = async (chat) => (await records(gw, chat, "in")).map(({ data }) =>
  JSON.parse(typeof data === "string" ? data : JSON.stringify(data)));

row(1, {}, async () => {
  const chat = newChat();
  const { transport, calls } = newTransport(gw);
  await transport.preload(chat);
  const state = await transport.start(chat);
  assert.equal(calls.startSession, 1, "start after preload must not ask again");
  assert.ok(state.publicAccessToken);
  const session = await sessions.retrieve(chat);
  assert.equal(session.externalId, chat);
  assert.equal(session.taskIdentifier, "demo");
  assert.equal((await records(gw, chat)).length, 0, "a preload writes no answer");
  assert.equal(textOf(await ask(transport, chat, "hi")), echo("hi"));
});

row(2, {}, async () => {
  const chat = newChat("chat/1 ä");
  const { transport, wire } = newTransport(gw);
  const chunks = await ask(transport, chat, "hi");
  assert.equal(textOf(chunks), echo("hi"));
  assert.equal(chunks[0].type, "start");
  assert.equal(chunks.at(-1).type, "finish");
  assert.deepEqual(wire.requests.map(({ endpoint }) => endpoint), ["in", "out"]);
  const [append, out] = wire.requests;
  assert.equal(append.status, 200);
  assert.match(append.url, /\/realtime\/v1\/sessions\/chat%2F1%20%C3%A4/);
  assert.equal(out.answer["x-stream-version"], "v2");
  assert.equal(out.answer["x-session-settled"], undefined);
  const [boundary, ...more] = await boundaries(gw, chat);
  assert.equal(more.length, 0);
  const [input] = await records(gw, chat, "in");
  assert.ok(boundary.input >= input.seqNum, "the boundary must cover the input");
});

row(3, {}, async () => {
  const chat = newChat();
  const { transport, wire } = newTransport(gw);
  await ask(transport, chat, "one");
  const chunks = await ask(transport, chat, "two");
  assert.equal(textOf(chunks), echo("two"));
  assert.equal(chunks.filter(({ type }) => type === "start").length, 1);
  const [first, second] = wire.of("out");
  assert.equal(first.headers["last-event-id"], undefined);
  assert.match(second.headers["last-event-id"], /^\d+$/);
});

row(4, {}, async () => {
  const chat = newChat();
  const { transport } = newTransport(gw, { clientData: { userId: "u" } });
  const message = say("/meta", "u2");
  const chunks = await ask(transport, chat, message, {
    body: { extra: 1, deep: { a: [null, "ü"] } },
    metadata: { model: "x" },
    messageId: "mm",
  });
  const [input] = await inputs(chat);
  assert.deepEqual(input, { kind: "message", payload: {
    extra: 1, deep: { a: [null, "ü"] }, message, chatId: chat, trigger: "submit-message",
    messageId: "mm", metadata: { userId: "u", model: "x" },
  } });
  const seen = JSON.parse(textOf(chunks));
  assert.deepEqual(seen.metadata, { userId: "u", model: "x" });
  assert.equal(seen.rest.extra, 1);
  assert.deepEqual(seen.rest.deep, { a: [null, "ü"] });
});

row(5, {}, async () => {
  const chat = newChat();
  const { transport } = newTransport(gw);
  await ask(transport, chat, "hi");
  const chunks = await all(await transport.sendMessages({
    trigger: "regenerate-message", chatId: chat, messageId: "asst-x", messages: [say("hi")],
    abortSignal: undefined,
  }));
  assert.match(textOf(chunks), /^Once more/);
  assert.ok(textOf(chunks).endsWith(echo("hi")));
  const input = (await inputs(chat)).at(-1);
  assert.equal(input.payload.trigger, "regenerate-message");
  assert.equal("message" in input.payload, false);
  assert.equal((await boundaries(gw, chat)).length, 2);
});

row(6, {}, async () => {
  const chat = newChat();
  const { transport } = newTransport(gw);
  await ask(transport, chat, "hi");
  const said = await all(await transport.sendAction(chat, { type: "say", text: "Ahoy there" }));
  assert.equal(textOf(said), "Ahoy there");
  const silent = await all(await transport.sendAction(chat, { type: "nothing" }));
  assert.deepEqual(silent, [], "an action without output still ends");
  if (!isOldest) {
    const body = await ask(transport, chat, "x", { body: { action: { type: "say", text: "b" } } });
    assert.equal(textOf(body), "b");
  }
  assert.equal((await boundaries(gw, chat)).length, isOldest ? 3 : 4);
  assert.equal(textOf(await ask(transport, chat, "still here")), echo("still here"));
});

row(7, { na45: "onSettled" }, async () => {
  const chat = newChat();
  const { transport } = newTransport(gw);
  await ask(transport, chat, "hi");
  const settlements = [];
  const onSettled = (settlement) => settlements.push(settlement);
  await all(await transport.sendAction(chat, { type: "nothing" }, { onSettled }));
  assert.equal(settlements.length, 1);
  const [{ inputSeq, sessionInEventId }] = settlements;
  assert.match(sessionInEventId, /^\d+$/);
  assert.ok(Number(sessionInEventId) >= inputSeq);
});

row(8, {}, async () => {
  const chat = newChat();
  const { transport } = newTransport(gw, { agent: "steady" });
  const stream = await send(transport, chat, "/words 30 20");
  const { chunks, reader } = await readUntil(stream, (read) => deltas(read) >= 3);
  assert.equal(await transport.sendPendingMessage(chat, say("and then?")), true);
  const whole = [...chunks, ...(await rest(reader))];
  assert.equal(textOf(whole), words(30), "a pending message disturbs nothing");
  await settled(gw, chat, 2);
  const out = (await records(gw, chat)).map((record) => JSON.stringify(record.data)).join("\n");
  assert.ok(out.includes("then?"), "the pending message is answered in its turn");
});

row(9, {}, async () => {
  const chat = newChat();
  const { transport } = newTransport(gw);
  const asking = await reduced(await send(transport, chat, "/approve boat"));
  const [tool] = asking.parts.filter((part) => part.type === "tool-ship");
  assert.equal(tool.state, "approval-requested");
  const approved = { ...asking, parts: asking.parts.map((part) => part === tool
    ? { ...part, state: "approval-responded", approval: { id: part.approval.id, approved: true } }
    : part) };
  const chunks = await ask(transport, chat, approved);
  assert.equal(chunks.find(({ type }) => type === "start").messageId, asking.id);
  assert.equal(textOf(chunks), "Approved, so boat is on its way.");
  const slim = (await inputs(chat)).at(-1).payload.message;
  assert.deepEqual(slim, { id: asking.id, role: "assistant", parts: [{
    type: "tool-ship", toolCallId: tool.toolCallId, state: "approval-responded",
    approval: { id: tool.approval.id, approved: true },
  }] });

  const question = await reduced(await send(transport, chat, "/client location"));
  const call = question.parts.find((part) => part.type === "tool-ask_client");
  const answered = { ...question, parts: question.parts.map((part) => part === call
    ? { ...part, state: "output-available", output: { city: "Utrecht" } } : part) };
  const more = await ask(transport, chat, answered);
  assert.equal(textOf(more), 'Your ask_client says {"city":"Utrecht"}.');
  assert.equal(more.find(({ type }) => type === "start").messageId, question.id);
});

/** The message that the AI SDK makes of a stream. */
async function reduced(stream) {
  let last;
  for await (const message of readUIMessageStream({ stream })) last = message;
  return last;
}
