// One chat with an agent, over the plain binding.

import { createRequire } from "node:module";
import { randomUUID } from "node:crypto";
import { call, eventually, header } from "../../compat/lib/wire.mjs";
import { follow } from "./reader.mjs";

// The newest AI SDK is the reference for what chunks mean.
const compat = createRequire(new URL("../../compat/package.json", import.meta.url));
const { readUIMessageStream } = await import(compat.resolve("ai7"));

const ASKED = "approval-requested";

/** Makes a session of `agent`, once it is known. */
export async function chat(gw, agent, id = `chat-${randomUUID()}`) {
  await eventually(() => create(gw, agent, id), `agent ${agent}`);
  return new Chat(gw, id);
}

async function create(gw, agent, externalId) {
  const response = await call(gw, "/api/v1/sessions", { json: { type: "chat.agent", externalId,
    taskIdentifier: agent, triggerConfig: { basePayload: { chatId: externalId } } } });
  if (response.ok) return true;
  const refusal = await response.json();
  if (refusal.code === "unknown_agent") return false;
  throw new Error(`${response.status} ${JSON.stringify(refusal)}`);
}

class Chat {
  #messages = 0;
  /** What the page itself changed in its messages, by tool call. */
  #given = new Map();

  constructor(gw, id) {
    this.gw = gw;
    this.id = id;
    this.out = follow(gw, id);
  }

  /** Each of these appends one input and gives its seq. */
  say(text, metadata) {
    this.#messages += 1;
    const message = { id: `u${this.#messages}`, role: "user", parts: [{ type: "text", text }] };
    return this.append({ trigger: "submit-message", message, metadata });
  }

  regenerate() {
    return this.append({ trigger: "regenerate-message" });
  }

  act(action) {
    return this.append({ trigger: "action", action });
  }

  /** Answers the newest question for approval. */
  async approve(approved) {
    const { id, parts } = (await this.transcript()).at(-1);
    const { type, toolCallId, approval } = parts.find(({ state }) => state === ASKED);
    const given = { state: "approval-responded", approval: { id: approval.id, approved } };
    const part = { type, toolCallId, ...given };
    this.#given.set(toolCallId, given);
    return this.append({ trigger: "submit-message",
      message: { id, role: "assistant", parts: [part] } });
  }

  stop() {
    return this.#put({ kind: "stop" });
  }

  append(payload) {
    return this.#put({ kind: "message", payload: { chatId: this.id, ...payload } });
  }

  async #put(json) {
    const answer = await call(this.gw, `/realtime/v1/sessions/${this.id}/in/append`, { json,
      headers: { "x-part-id": randomUUID() } });
    if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`);
    return (await answer.json()).seq;
  }

  /** Waits until `text` was shown. */
  shows(text) {
    return eventually(() => textOf(this.out).includes(text), `“${text}”`);
  }

  /** Waits for the boundary of the input at `seq`; gives the texts of that turn's errors. */
  async settled(seq) {
    await eventually(() => this.out.some((record) => closes(record, seq)),
      `the boundary of input ${seq}`);
    const all = [...this.out];
    const end = all.findIndex((record) => closes(record, seq));
    const begin = all.findLastIndex((record, index) => index < end && isBoundary(record)) + 1;
    return all.slice(begin, end).map(({ data }) => data)
      .filter((chunk) => chunk?.type === "error").map(({ errorText }) => errorText);
  }

  /** Everything that was said, as it is stored. */
  async transcript() {
    const answer = await call(this.gw, `/api/v1/sessions/${this.id}/transcript?limit=1000`);
    if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`);
    return (await answer.json()).messages;
  }

  /** The newest answer as a reader of all of `.out` reduces it. */
  async reduced() {
    let message;
    for (const turn of turnsOf(this.out)) {
      // A continued answer begins with the id of the message that it continues.
      const begins = turn.find(({ type }) => type === "start");
      const base = begins?.messageId === message?.id ? message : undefined;
      const parts = base?.parts.map((part) => ({ ...part, ...this.#given.get(part.toolCallId) }));
      message = (await reduce(turn, base && { ...base, parts })) ?? message;
    }
    return message;
  }
}

/** What `ai` makes of chunks, onto a message. */
export async function reduce(chunks, message) {
  const stream = new ReadableStream({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(chunk);
      controller.close();
    },
  });
  let reduced;
  const onto = message === undefined ? {} : { message: structuredClone(message) };
  for await (const state of readUIMessageStream({ stream, ...onto })) reduced = state;
  return reduced && JSON.parse(JSON.stringify(reduced));
}

/** The text deltas of records, joined. */
export const textOf = (out) =>
  out.filter(({ data }) => data?.type === "text-delta").map(({ data }) => data.delta).join("");

/** The chunks of each turn. */
export function turnsOf(out) {
  const turns = [[]];
  for (const record of out) {
    if (isBoundary(record)) turns.push([]);
    else if (typeof record.data?.type === "string") turns.at(-1).push(record.data);
  }
  return turns.filter((turn) => turn.length > 0);
}

const isBoundary = (record) => header(record, "trigger-control") === "turn-complete";

const closes = (record, seq) =>
  isBoundary(record) && Number(header(record, "session-in-event-id")) >= seq;
