// Chats through the published transport, and what the tests want to know about them.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { TriggerChatTransport, auth, chat } from "./sdk.mjs";
import { recorder } from "./wire.mjs";

/** A chat id that no other test uses. */
export const newChat = (name = "chat") => `${name}-${randomUUID().slice(0, 8)}`;

/** A user message. */
export const say = (text, id = `u-${randomUUID().slice(0, 8)}`) =>
  ({ id, role: "user", parts: [{ type: "text", text }] });

/** A session token as the docs mint it. */
export const mint = (chatId, expirationTime = "1h") =>
  auth.createPublicToken({
    scopes: { read: { sessions: chatId }, write: { sessions: chatId } },
    expirationTime,
  });

/**
 * A transport wired as the docs show, with every request recorded. `agent`: which one; the other
 * options go to the transport.
 */
export function newTransport(gw, { agent = "demo", ...options } = {}) {
  const start = chat.createStartSessionAction(agent);
  const calls = { startSession: 0, accessToken: 0 };
  const wire = recorder();
  const changes = [];
  const transport = new TriggerChatTransport({
    task: agent,
    baseURL: gw.url,
    fetch: wire.fetch,
    startSession: ({ chatId, clientData }) => {
      calls.startSession += 1;
      return start({ chatId, clientData });
    },
    accessToken: ({ chatId }) => {
      calls.accessToken += 1;
      return mint(chatId);
    },
    onSessionChange: (chatId, state) => changes.push([chatId, state]),
    ...options,
  });
  return { transport, calls, wire, changes };
}

/** Sends one user message (text or UIMessage) and returns the stream. */
export function send(transport, chatId, message, options = {}) {
  const last = typeof message === "string" ? say(message) : message;
  return transport.sendMessages({
    trigger: "submit-message",
    chatId,
    messageId: undefined,
    messages: [last],
    abortSignal: undefined,
    ...options,
  });
}

/** Sends and reads the whole answer. */
export const ask = async (transport, chatId, message, options) =>
  all(await send(transport, chatId, message, options));

/** Every chunk of a stream. */
export async function all(stream) {
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  return chunks;
}

/** Reads until `done(chunks)`; returns what was read and the reader. */
export async function readUntil(stream, done) {
  const reader = stream.getReader();
  const chunks = [];
  while (!done(chunks)) {
    const { value, done: ended } = await reader.read();
    assert.ok(!ended, `the stream ended early: ${JSON.stringify(chunks)}`);
    chunks.push(value);
  }
  return { chunks, reader };
}

/** The rest of a reader. */
export async function rest(reader) {
  const chunks = [];
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return chunks;
    chunks.push(value);
  }
}

/** The answer's text. */
export const textOf = (chunks) =>
  chunks.filter((chunk) => chunk.type === "text-delta").map((chunk) => chunk.delta).join("");

/** How many text deltas there are. */
export const deltas = (chunks) => chunks.filter((chunk) => chunk.type === "text-delta").length;

/** What the demo agent says to plain text. */
export const echo = (text) =>
  `You said: “${text}”. Thank you for telling me, the tide is listening.`;

/** What the demo agent says to `/words n`. */
export const words = (n) => Array.from({ length: n }, (_, i) => `word-${i + 1}`).join(" ");
