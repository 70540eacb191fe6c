// What the browser may ask of this server. An application would check here who is asking.

import { auth } from "@trigger.dev/sdk";
import { chat, defaultStorage } from "@trigger.dev/sdk/ai";

const AGENT = process.env.AGENT ?? "demo";

/** Chats that this application has started. An application keeps them in its database. */
const chats = new Set();

const start = chat.createStartSessionAction(AGENT);

/** Creates the session on the first message. */
export async function startChatSession({ chatId, clientData }) {
  const started = await start({ chatId, clientData });
  chats.add(chatId);
  return started;
}

/** A fresh session token; the transport asks for one when its own has expired. */
export const mintChatAccessToken = (chatId) =>
  auth.createPublicToken({
    scopes: { read: { sessions: chatId }, write: { sessions: chatId } },
    expirationTime: "1h",
  });

/** The conversation so far, for a page that is opened again. */
export const loadTranscript = chat.createLoadTranscriptAction(defaultStorage, { limit: 50 });

/** Does this chat exist? */
export const isKnown = (chatId) => chats.has(chatId);

/** Notes a chat that was started by another way than `startChatSession`. */
export const remember = (chatId) => chats.add(chatId);
