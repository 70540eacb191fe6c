// One session, rebuilt from its two logs: inputs (`.in`) and answers (`.out`). Every tab that has
// read the same records shows the same messages.
import { apply, mergeSlim, newMessage } from "./reducer.js";

export class Log {
  constructor() {
    this.reset([]);
  }

  /** Starts over from the messages of a transcript. */
  reset(messages) {
    this.base = messages;
    this.inputs = [];
    this.outputs = [];
    this.#begin();
  }

  /** Seq of the newest input that is known. */
  get lastInput() {
    return this.inputs.at(-1)?.seq;
  }

  /** Is a turn running, or an input waiting for one? */
  get busy() {
    return this.turn !== null || this.pending.length > 0;
  }

  /** What a person sees: the messages, and the inputs that wait for their turn. */
  get view() {
    const waiting = this.pending.filter(({ body }) => body.payload.message?.role === "user");
    return [
      ...this.messages,
      ...waiting.map(({ body }) => ({ ...revive(body.payload.message), queued: true })),
    ];
  }

  /** Takes an input. Answers whether it was new. */
  input(seq, body) {
    if (this.inputs.some((known) => known.seq === seq)) return false;
    const input = { seq, body };
    this.inputs.push(input);
    this.inputs.sort((a, b) => a.seq - b.seq);
    // Its turn began before it was read: put it in front of the answer.
    if ((this.turn && this.turn.input === undefined) || seq <= this.answered) this.#rebuild();
    else this.#queue(input);
    return true;
  }

  /** Takes an `.out` record. Answers what changed: "live" (the running message grew) or "all". */
  output(record) {
    this.outputs.push(record);
    return this.#apply(record);
  }

  /** Would the next chunk belong to an input that is not known yet? */
  get needsInput() {
    return this.turn !== null && this.turn.input === undefined;
  }

  #begin() {
    this.messages = structuredClone(this.base).map(revive);
    this.pending = [];
    this.turn = null;
    this.answered = -1;
    this.closed = null;
  }

  #rebuild() {
    this.#begin();
    const { inputs, outputs } = this;
    for (const input of inputs) this.#queue(input);
    for (const record of outputs) this.#apply(record);
  }

  #queue(input) {
    const asks = input.body?.kind === "message" && input.body.payload?.trigger !== "close";
    if (asks && input.body.payload?.trigger !== "preload") this.pending.push(input);
  }

  #apply(record) {
    const control = header(record, "trigger-control");
    if (control === "turn-complete") {
      const floor = header(record, "session-in-event-id");
      this.#end(floor === undefined ? undefined : Number(floor));
      if (header(record, "session-closed") === "true")
        this.closed = header(record, "session-closed-reason") ?? "";
      return "all";
    }
    if (control === "session-closed") {
      this.closed = header(record, "session-closed-reason") ?? "";
      return "all";
    }
    const chunk = control === undefined && chunkOf(record);
    if (!chunk) return "none";
    let changed = false;
    if (!this.turn) {
      const input = this.pending.shift();
      this.turn = { input: input?.seq, message: null };
      if (input) this.#ask(input);
      changed = true;
    }
    changed = this.#answer(chunk) || changed;
    return changed ? "all" : "live";
  }

  #answer(chunk) {
    const last = this.messages.at(-1);
    if (!this.turn.message) {
      const id = chunk.messageId ?? (last?.role === "assistant" && last.id);
      const goesOn = last?.role === "assistant" && last.id === id;
      this.turn.message = goesOn ? last : newMessage(id || `answer-${this.outputs.length}`);
      if (goesOn) Object.assign(last, { error: undefined, aborted: undefined });
      else this.messages.push(this.turn.message);
    }
    return apply(this.turn.message, chunk);
  }

  #end(floor) {
    const upTo = floor ?? this.turn?.input ?? -1;
    this.answered = Math.max(this.answered, upTo);
    if (this.turn?.message) this.turn.message.open.clear();
    this.turn = null;
    while (this.pending.length && this.pending[0].seq <= upTo) this.#ask(this.pending.shift());
  }

  /** Puts what an input says into the messages. */
  #ask({ body }) {
    const { trigger, message, messageId, action } = body.payload ?? {};
    if (trigger === "regenerate-message") {
      const at = messageId ? this.messages.findIndex((m) => m.id === messageId) : -1;
      const from = at >= 0 ? at : this.messages.findLastIndex((m) => m.role === "user") + 1;
      this.messages.length = this.messages[from]?.role === "user" ? from + 1 : from;
    } else if (trigger === "action") {
      this.messages.push({
        id: `action-${this.messages.length}`,
        role: "action",
        action,
        parts: [],
      });
    } else if (message?.role === "assistant") {
      const old = this.messages.find((m) => m.id === message.id);
      if (old) mergeSlim(old, message);
    } else if (message) {
      const at = this.messages.findIndex((m) => m.id === message.id);
      if (at >= 0) this.messages.length = at;
      this.messages.push(revive(message));
    }
  }
}

/** First header of this name. */
export function header(record, name) {
  return record.headers?.find(([key]) => key === name)?.[1];
}

/** The chunk in a data record. */
export function chunkOf(record) {
  try {
    const { data } = JSON.parse(record.body);
    return data && typeof data === "object" && typeof data.type === "string" ? data : null;
  } catch {
    return null;
  }
}

function revive(message) {
  return {
    ...newMessage(message.id),
    ...structuredClone(message),
    parts: structuredClone(message.parts ?? []),
  };
}
