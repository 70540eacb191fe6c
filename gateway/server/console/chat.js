// One open session: its log, its stream, and what a person does to it.
import { byId } from "./dom.js";
import { Log, chunkOf, header } from "./log.js";
import { drawAll, drawGrowth } from "./messages.js";

export class Chat {
  /** `on.records(direction, records)`, `on.link(text)`, `on.change()`, `on.problem(error)`. */
  constructor(api, session, on) {
    this.api = api;
    this.session = session;
    this.name = session.externalId ?? session.id;
    this.token = session.publicAccessToken;
    this.on = on;
    this.log = new Log();
    this.list = byId("messages");
    this.stopping = new AbortController();
    this.dirty = null;
    /** Tool outputs given while others of the same message are still open. */
    this.given = new Map();
  }

  /** Loads what was said and follows what comes, until `leave`. */
  async open() {
    const { messages, cursors } = await this.api.transcript(this.name);
    const number = (text) => (text === undefined || text === null ? undefined : Number(text));
    this.log.reset(messages ?? []);
    this.readTo = number(cursors?.lastInEventId);
    await this.readInputs();
    if (!this.token) await this.refresh();
    this.draw("all");
    await this.api.follow(
      this.name,
      () => this.token,
      number(cursors?.lastOutEventId),
      {
        records: (records) => this.take(records),
        link: (text) => this.on.link(text),
        refresh: () => this.refresh(),
      },
      this.stopping.signal,
    );
  }

  leave() {
    this.stopping.abort();
  }

  async refresh() {
    this.token = await this.api.token(this.name);
  }

  take(records) {
    this.on.records("out", records);
    for (const record of records) {
      const token = header(record, "public-access-token");
      if (token) this.token = token;
      const changed = this.log.output(record);
      if (changed !== "none") this.draw(changed);
      if (this.log.needsInput && chunkOf(record)) this.readInputs().catch(this.on.problem);
    }
  }

  /** Reads inputs that other tabs and servers appended. */
  async readInputs() {
    if (this.reading) return;
    this.reading = true;
    try {
      const after = Math.max(this.readTo ?? -1, this.log.lastInput ?? -1);
      const records = await this.api.inputs(this.name, after < 0 ? undefined : after);
      const fresh = records.filter((record) => this.log.input(record.seqNum, bodyOf(record)));
      this.on.records("in", fresh.map(asRecord));
      if (records.length) this.draw("all");
    } finally {
      this.reading = false;
    }
  }

  async send(text) {
    const message = { id: newId("msg"), role: "user", parts: [{ type: "text", text }] };
    await this.append({ message, trigger: "submit-message" });
  }

  async regenerate() {
    const last = this.log.messages.findLast((message) => message.role === "assistant");
    await this.append({ trigger: "regenerate-message", messageId: last?.id });
  }

  async action(action) {
    await this.append({ trigger: "action", action });
  }

  async stop() {
    await this.post({ kind: "stop" });
  }

  /** Sends a tool's result once no call of the message waits for another. */
  async answerTool(message, part, result) {
    const slim = { type: part.type, toolCallId: part.toolCallId, ...result };
    if (part.type === "dynamic-tool") slim.toolName = part.toolName;
    Object.assign(part, result);
    const given = [...(this.given.get(message.id) ?? []), slim];
    this.given.set(message.id, given);
    this.draw("all");
    const open = message.parts.some(
      (other) =>
        other.state === "approval-requested" ||
        (other.state === "input-available" && !other.providerExecuted),
    );
    if (open) return;
    this.given.delete(message.id);
    try {
      const sent = { id: message.id, role: "assistant", parts: given };
      await this.append({ message: sent, trigger: "submit-message", messageId: message.id });
    } catch (error) {
      this.on.problem(error);
    }
  }

  append(payload) {
    return this.post({ kind: "message", payload: { ...payload, chatId: this.name } });
  }

  async post(body) {
    const partId = newId("part");
    let seq;
    try {
      seq = await this.api.append(this.name, this.token, body, partId);
    } catch (error) {
      if (error.status !== 401 && error.status !== 403) throw error;
      await this.refresh();
      seq = await this.api.append(this.name, this.token, body, partId);
    }
    if (seq === undefined) return this.readInputs();
    if (!this.log.input(seq, body)) return;
    this.on.records("in", [
      { seq_num: seq, timestamp: Date.now(), body: JSON.stringify(body), headers: [] },
    ]);
    this.draw("all");
  }

  /** Draws on the next frame: however many records come, once a frame. */
  draw(change) {
    const frame = this.dirty === null;
    this.dirty = this.dirty === "all" ? "all" : change;
    if (!frame) return;
    requestAnimationFrame(() => {
      const change = this.dirty;
      this.dirty = null;
      if (this.stopping.signal.aborted) return;
      const { list } = this;
      const follows = list.scrollHeight - list.scrollTop - list.clientHeight < 80;
      const last = this.log.messages.at(-1);
      if (change === "live" && last) drawGrowth(list, last, this);
      else drawAll(list, this.log.view, this);
      if (follows) list.scrollTop = list.scrollHeight;
      this.on.change();
    });
  }

  /** The session's life as curl commands. */
  curl() {
    const base = location.origin;
    const path = `${base}/realtime/v1/sessions/${encodeURIComponent(this.name)}`;
    const quoted = (value) => `'${JSON.stringify(value).replaceAll("'", `'\\''`)}'`;
    const create = {
      type: "chat.agent",
      externalId: this.name,
      taskIdentifier: this.session.taskIdentifier,
      triggerConfig: { basePayload: { chatId: this.name, trigger: "preload" } },
    };
    const message = { id: "msg-1", role: "user", parts: [{ type: "text", text: "/help" }] };
    const input = {
      kind: "message",
      payload: { message, chatId: this.name, trigger: "submit-message" },
    };
    const auth = `-H "authorization: Bearer $KEY"`;
    const json = `-H 'content-type: application/json'`;
    return [
      `KEY=…   # a secret key of this gateway`,
      `# make the session, or find it; the answer holds a publicAccessToken for browsers`,
      `curl ${base}/api/v1/sessions ${auth} ${json} -d ${quoted(create)}`,
      `# say something`,
      `curl ${path}/in/append ${auth} ${json} -d ${quoted(input)}`,
      `# follow the answer; last-event-id: N reads on after record N`,
      `curl -N ${path}/out ${auth} -H 'accept: text/event-stream'`,
      ``,
    ].join("\n");
  }
}

/** An input's body as its client sent it. */
function bodyOf(record) {
  let body = record.data;
  for (let depth = 0; depth < 2 && typeof body === "string"; depth++) {
    try {
      body = JSON.parse(body);
    } catch {
      return body;
    }
  }
  return body;
}

function asRecord(record) {
  const body = typeof record.data === "string" ? record.data : JSON.stringify(record.data);
  return {
    seq_num: record.seqNum,
    timestamp: record.timestamp,
    body,
    headers: record.headers ?? [],
  };
}

/** Random ids that also work where the page is served over plain HTTP from another host. */
export function newId(prefix) {
  const bytes = crypto.getRandomValues(new Uint8Array(12));
  return `${prefix}-${[...bytes].map((byte) => byte.toString(36).padStart(2, "0")).join("")}`;
}
