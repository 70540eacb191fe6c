// `useChat` without React: the chat class of `ai` 5, 6 and 7 over `DefaultChatTransport`.

import * as ai5 from "ai5";
import * as ai6 from "ai";
import * as ai7 from "ai7";
import { newChat } from "./chats.mjs";
import { recorder } from "./wire.mjs";

/** Every major version that the binding serves. */
export const VERSIONS = { 5: ai5, 6: ai6, 7: ai7 };

/** The state that React keeps for `useChat`. */
class PlainState {
  status = "ready";
  error = undefined;
  constructor(messages) {
    this.messages = messages;
  }
  pushMessage = (message) => (this.messages = [...this.messages, message]);
  popMessage = () => (this.messages = this.messages.slice(0, -1));
  replaceMessage = (index, message) => (this.messages = this.messages.map((old, at) =>
    (at === index ? structuredClone(message) : old)));
  snapshot = (value) => structuredClone(value);
}

/** A page with `useChat`: `open` mounts it again, with what it would have stored. */
export function page(gw, ai, { agent = "demo", id = newChat("ai"), bearer = gw.key,
  messages = [], transport: more = {}, ...options } = {}) {
  class Chat extends ai.AbstractChat {
    constructor() {
      super({ id, state: new PlainState(messages), transport, ...options });
    }
  }
  const wire = recorder();
  const transport = new ai.DefaultChatTransport({ api: `${gw.url}/ai/${agent}/chat`,
    headers: { authorization: `Bearer ${bearer}` }, fetch: wire.fetch, ...more });
  const chat = new Chat();
  return { chat, id, agent, wire, transport };
}

/** Text of the newest message. */
export const lastText = (chat) => messageText(chat.messages.at(-1));

/** Text of a message. */
export const messageText = (message) =>
  message.parts.filter(({ type }) => type === "text").map(({ text }) => text).join("");

/** Waits until the newest message of a running answer has at least `size` characters. */
export async function streaming(chat, size = 20) {
  for (let attempt = 0; attempt < 6_000; attempt += 1) {
    const last = chat.messages.at(-1);
    if (last?.role === "assistant" && messageText(last).length >= size) return last;
    await new Promise((done) => setTimeout(done, 10));
  }
  throw new Error(`no streaming answer; ${chat.status} ${chat.error?.message}`);
}

/** A message without what only the wire has. */
export const plain = (message) => JSON.parse(JSON.stringify(message));
