// `useChat` with `DefaultChatTransport` of ai 5, 6 and 7: send, resume, stop, regenerate, edit.

import assert from "node:assert/strict";
import { test } from "node:test";
import { gateway } from "../harness.mjs";
import { VERSIONS, lastText, messageText, page, plain, streaming } from "../lib/ai.mjs";
import { echo, mint, newChat, words } from "../lib/chats.mjs";
import { configure } from "../lib/sdk.mjs";
import { boundaries, call, settled } from "../lib/wire.mjs";

const gw = await gateway();
configure({ baseURL: gw.url, secretKey: gw.key });

const each = (name, body) => {
  for (const [major, ai] of Object.entries(VERSIONS)) {
    test(`ai ${major}: ${name}`, { timeout: 240_000 }, (t) => body(ai, t));
  }
};
const stored = async (id) => {
  const answer = await call(gw, `/api/v1/sessions/${id}/transcript?limit=50`);
  return (await answer.json()).messages;
};

each("sends and streams an answer", async (ai) => {
  const { chat, wire, id } = page(gw, ai);
  await chat.sendMessage({ text: "hi" });
  assert.equal(chat.status, "ready", String(chat.error));
  assert.equal(lastText(chat), echo("hi"));
  const [{ answer, status }] = wire.requests;
  assert.equal(status, 200);
  assert.match(answer["content-type"], /^text\/event-stream/);
  assert.equal(answer["x-vercel-ai-ui-message-stream"], "v1");
  await chat.sendMessage({ text: "and" });
  assert.equal(lastText(chat), echo("and"));
  assert.equal(chat.messages.length, 4);
  await settled(gw, id, 2);
  assert.deepEqual((await stored(id)).map(messageText), chat.messages.map(messageText));
});

each("takes secret keys and session tokens, and refuses others", async (ai) => {
  const id = newChat("token");
  const bearer = await mint(id);
  const { chat } = page(gw, ai, { id, bearer });
  await chat.sendMessage({ text: "with a token" });
  assert.equal(lastText(chat), echo("with a token"), String(chat.error));
  const foreign = page(gw, ai, { bearer });
  await foreign.chat.sendMessage({ text: "x" });
  assert.equal(foreign.chat.status, "error");
  assert.equal(foreign.wire.requests[0].status, 403);
  const nobody = page(gw, ai, { bearer: "nonsense" });
  await nobody.chat.sendMessage({ text: "x" });
  assert.equal(nobody.wire.requests[0].status, 401);
});

each("resumes a running answer after a reload, and gets 204 when nothing runs", async (ai) => {
  const first = page(gw, ai, { agent: "steady" });
  const sending = first.chat.sendMessage({ text: "/words 200 20" });
  await streaming(first.chat);
  const reloaded = page(gw, ai, { agent: "steady", id: first.id,
    messages: plain(first.chat.messages.slice(0, 1)) });
  await reloaded.chat.resumeStream();
  assert.equal(lastText(reloaded.chat), words(200));
  await sending;
  assert.deepEqual(plain(reloaded.chat.messages), plain(first.chat.messages));
  const idle = page(gw, ai, { agent: "steady", id: first.id });
  await idle.chat.resumeStream();
  assert.equal(idle.wire.requests[0].status, 204);
  assert.equal(idle.chat.status, "ready");
  const unknown = page(gw, ai, { agent: "steady" });
  await unknown.chat.resumeStream();
  assert.equal(unknown.wire.requests[0].status, 204);
});

each("closing the socket stops nothing; the stop route does", async (ai) => {
  const closing = page(gw, ai, { agent: "steady" });
  const sending = closing.chat.sendMessage({ text: "/words 40 20" });
  await streaming(closing.chat);
  await closing.chat.stop();
  await sending;
  await settled(gw, closing.id, 1);
  assert.equal(messageText((await stored(closing.id)).at(-1)), words(40));

  const stopped = page(gw, ai, { agent: "steady" });
  const running = stopped.chat.sendMessage({ text: "/words 3000 20" });
  await streaming(stopped.chat);
  const answer = await call(gw, `/ai/steady/chat/${stopped.id}/stop`, { method: "POST" });
  assert.ok(answer.ok, String(answer.status));
  await running;
  assert.equal((await boundaries(gw, stopped.id)).length, 1);
  assert.notEqual(stopped.chat.status, "streaming");
  await stopped.chat.sendMessage({ text: "next" });
  assert.equal(lastText(stopped.chat), echo("next"));
});

each("an agent with stop_on_disconnect stops when its socket closes", async (ai) => {
  const { chat, id } = page(gw, ai, { agent: "touchy" });
  const sending = chat.sendMessage({ text: "/words 3000 20" });
  await streaming(chat);
  await chat.stop();
  await sending;
  await settled(gw, id, 1);
  assert.ok(messageText((await stored(id)).at(-1)).length < words(3000).length);
});

each("regenerates", async (ai) => {
  const { chat, id } = page(gw, ai);
  await chat.sendMessage({ text: "hi" });
  await chat.regenerate();
  assert.match(lastText(chat), /^Once more/);
  assert.equal(chat.messages.length, 2);
  await settled(gw, id, 2);
  assert.deepEqual((await stored(id)).map(messageText), chat.messages.map(messageText));
});

each("an edited message truncates the session's history", async (ai) => {
  const { chat, id } = page(gw, ai);
  for (const text of ["one", "two", "three"]) await chat.sendMessage({ text });
  const second = chat.messages[2];
  await chat.sendMessage({ text: "zwei", messageId: second.id });
  assert.deepEqual(chat.messages.map(messageText), ["one", echo("one"), "zwei", echo("zwei")]);
  await settled(gw, id, 4);
  assert.deepEqual((await stored(id)).map(messageText), chat.messages.map(messageText));
  assert.equal((await stored(id))[2].id, second.id);
});

each("a body may carry only the last message", async (ai) => {
  const { chat, id, wire } = page(gw, ai, { transport: {
    prepareSendMessagesRequest: ({ id: chatId, messages, trigger, messageId }) => ({
      body: { id: chatId, message: messages.at(-1), trigger, messageId } }),
  } });
  await chat.sendMessage({ text: "one" });
  assert.equal(lastText(chat), echo("one"), `${chat.error}`);
  await chat.sendMessage({ text: "/meta" });
  assert.equal(JSON.parse(lastText(chat)).messages, 3, "the gateway knows the rest");
  await chat.regenerate();
  assert.ok(lastText(chat).startsWith("Once more"));
  assert.ok(JSON.parse(wire.requests[1].body).message.parts);
  await settled(gw, id, 3);
  assert.equal((await stored(id)).length, 4);
});

each("one message in `messages` continues the session", async (ai) => {
  const { chat } = page(gw, ai, { transport: {
    prepareSendMessagesRequest: ({ id, messages, trigger, messageId }) =>
      ({ body: { id, messages: messages.slice(-1), trigger, messageId } }),
  } });
  await chat.sendMessage({ text: "one" });
  await chat.sendMessage({ text: "/meta" });
  assert.equal(JSON.parse(lastText(chat)).messages, 3, `${chat.error}`);
});

each("extra body keys reach the agent", async (ai) => {
  const { chat } = page(gw, ai, { transport: { body: { tenant: "blue" } } });
  await chat.sendMessage({ text: "/meta" }, { body: { extra: [1] } });
  const { rest } = JSON.parse(lastText(chat));
  assert.deepEqual([rest.tenant, rest.extra], ["blue", [1]]);
});
