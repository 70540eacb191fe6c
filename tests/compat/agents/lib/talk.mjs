// One chat with an agent: what a client sends, and what the streams hold afterwards.

import assert from "node:assert/strict";
import { runs } from "@trigger.dev/sdk";
import { newChat, newTransport, say, send, all } from "../../lib/chats.mjs";
import { chat as helpers, defaultStorage, sessions } from "../../lib/sdk.mjs";
import { call, eventually, header, records } from "../../lib/wire.mjs";
import { notes } from "../fixtures/lib/notes.mjs";
import { open, recordsOf } from "./sse.mjs";

const load = helpers.createLoadTranscriptAction(defaultStorage);

export class Talk {
  /**
   * `chat`: its id; `clientData`: what every message carries; `patience`: how many seconds to wait
   * for turns and for what is stored of them.
   */
  constructor(gw, agent, { chat = newChat(agent), clientData, patience } = {}) {
    Object.assign(this, { gw, agent, chat, clientData, patience });
    Object.assign(this, newTransport(gw, { agent, clientData }));
  }

  /** Creates the session, which boots its first run; `more` goes into the boot payload. */
  async open(more = {}) {
    this.session = await sessions.start({ type: "chat.agent", taskIdentifier: this.agent,
      externalId: this.chat, triggerConfig: { tags: [`chat:${this.chat}`], basePayload: {
        chatId: this.chat, trigger: "preload", metadata: this.clientData, ...more } } });
    return this.session;
  }

  /** Sends one message through the published transport and reads the answer's chunks. */
  async ask(message, options) {
    return all(await send(this.transport, this.chat, message, options));
  }

  /** Appends a record to `.in` as a client does; returns its seq. */
  async append(record, headers = {}) {
    const path = `/realtime/v1/sessions/${encodeURIComponent(this.chat)}/in/append`;
    const answer = await call(this.gw, path, { json: record, headers });
    assert.equal(answer.status, 200, await answer.clone().text());
    return (await answer.json()).seq;
  }

  /** Appends a message record with a payload. */
  payload(payload) {
    return this.append({ kind: "message", payload: { chatId: this.chat,
      ...(this.clientData && { metadata: this.clientData }), ...payload } });
  }

  /** Appends a user message (text or UIMessage); returns its seq. */
  submit(message) {
    return this.payload({ trigger: "submit-message",
      message: typeof message === "string" ? say(message) : message });
  }

  /** Appends a stop. */
  stop() {
    return this.append({ kind: "stop" });
  }

  /** Submits and waits for the turn that covers it. */
  async turn(message) {
    return this.covered(await this.submit(message));
  }

  /** The first turn whose boundary covers an `.in` seq. */
  covered(seq) {
    return eventually(async () => (await this.turns()).find(({ floor }) => floor >= seq),
      `the answer to ${seq} of ${this.chat}`, this.patience ?? 120);
  }

  /** Every record of `.out`. */
  records() {
    return records(this.gw, this.chat);
  }

  /** What is on `.out`, turn by turn; what comes after the last boundary is not in it. */
  async turns() {
    return split(await this.records());
  }

  /** Waits until there are `count` boundaries; gives the turns. */
  settled(count) {
    return eventually(async () => {
      const found = await this.turns();
      return found.length >= count && found;
    }, `${count} turns of ${this.chat}`, this.patience ?? 120);
  }

  /** Waits until readers without a cursor start behind the boundary of turn `count`; gives the seq. */
  async trimmed(count) {
    const { boundary } = (await this.settled(count))[count - 1];
    return eventually(async () => {
      const { answer, events } = await open(this.gw, this.chat,
        { headers: { "x-peek-settled": "1" } });
      const [first] = await recordsOf(events);
      assert.equal(answer.status, 200);
      return first?.seq_num >= boundary.seqNum && first.seq_num;
    }, `the trim of ${this.chat}`);
  }

  /** Waits until the text of the turn that runs has at least `size` characters. */
  streaming(size = 20) {
    return eventually(async () => {
      const found = textOf(rest(await this.records()));
      return found.length >= size && found;
    }, `a streaming answer of ${this.chat}`);
  }

  /** What the agent noted; only of one kind if `what` is given. */
  notes(what) {
    return notes(this.chat).filter((note) => what === undefined || note.what === what);
  }

  /** Waits until `count` notes of a kind are there. */
  noted(what, count = 1) {
    return eventually(() => {
      const found = this.notes(what);
      return found.length >= count && found;
    }, `${count} notes of ${what} in ${this.chat}`, this.patience);
  }

  /** The session's row. */
  row() {
    return sessions.retrieve(this.chat);
  }

  /** A run by its id, by default the current one. */
  async run(id) {
    return runs.retrieve(id ?? (await this.row()).currentRunId);
  }

  /** Every run of the session, newest first. */
  async runs() {
    const found = [];
    for await (const run of runs.list({ tag: `chat:${this.chat}` })) found.push(run);
    return found;
  }

  /** Waits until a run is over; gives its row. */
  ended(id) {
    return eventually(async () => {
      const run = await this.run(id);
      return run.isCompleted && run;
    }, `the end of run ${id}`);
  }

  /** Every input of the session with its fate. */
  async fates() {
    const answer = await call(this.gw, `/v1/sessions/${encodeURIComponent(this.chat)}/inputs`);
    assert.equal(answer.status, 200, await answer.clone().text());
    return (await answer.json()).inputs;
  }

  /** The stored transcript's messages, oldest first. */
  async transcript() {
    return (await load({ chatId: this.chat })).messages;
  }

  /** Waits until the stored transcript fulfils `probe`; gives its messages. */
  saved(probe) {
    return eventually(async () => {
      const found = await this.transcript();
      return probe(found) && found;
    }, `the transcript of ${this.chat}`, this.patience);
  }
}

/** Records cut at their boundaries: `{chunks, types, text, floor, consumed, boundary}`. */
export function split(all) {
  const turns = [];
  let chunks = [];
  for (const record of all) {
    if (header(record, "trigger-control") === "turn-complete") {
      const number = (name) => {
        const value = header(record, name);
        return value === undefined ? undefined : Number(value);
      };
      turns.push({ chunks, types: chunks.map(({ type }) => type), text: textOf(chunks),
        floor: number("session-in-event-id"), consumed: number("session-in-consumed-id"),
        token: header(record, "public-access-token"), boundary: record });
      chunks = [];
    } else if (record.data?.type) chunks.push(record.data);
  }
  return turns;
}

/** The chunks after the last boundary. */
const rest = (all) => {
  const last = all.findLastIndex((record) =>
    header(record, "trigger-control") === "turn-complete");
  return all.slice(last + 1).map(({ data }) => data).filter((data) => data?.type);
};

/** The text of chunks, of a message's parts too. */
export const textOf = (chunks) => chunks.filter(({ type }) => type === "text-delta")
  .map(({ delta }) => delta).join("");

/** The text of a message. */
export const messageText = ({ parts }) => parts.filter(({ type }) => type === "text")
  .map(({ text }) => text).join("");

/** The control records of a kind. */
export const controls = (all, kind) =>
  all.filter((record) => header(record, "trigger-control") === kind);
