// One turn, from its frame.

import type { Work } from "../link/index.js";
import type { Gateway } from "./gateway.js";
import type { Outgoing } from "./outgoing.js";
import { Pending } from "./pending.js";
import type { Turn } from "./types.js";

export function turnOf(work: Work, out: Outgoing, gateway: Gateway): Turn {
  const { frame } = work;
  const pending = new Pending((inputs, messages) => {
    out.frame({ t: "injected", inputs });
    // What pages built with the published SDK show where a message was taken in.
    const texts = messages.map(({ id, parts }) =>
      ({ id, text: parts.map((part) => (part.type === "text" ? part.text : "")).join("") }));
    const data = { messageIds: messages.map(({ id }) => id), messages: texts };
    out.chunk({ type: "data-pending-message-injected", id: `injected-${inputs[0]}`, data });
  });
  return {
    id: work.id,
    agent: String(frame["agent"]),
    version: String(frame["version"]),
    chatId: String(frame["chat"]),
    sessionId: String(frame["session"]),
    runId: String(frame["run"]),
    turn: Number(frame["turn"]),
    attempt: Number(frame["attempt"] ?? 1),
    cause: (frame["cause"] as string | undefined) ?? null,
    trigger: frame["trigger"] as Turn["trigger"],
    messages: frame["messages"] as Turn["messages"],
    answerId: String(frame["answer_id"]),
    continues: frame["continues"] === true,
    messageId: (frame["message_id"] as string | undefined) ?? null,
    metadata: frame["metadata"] ?? null,
    action: frame["action"] ?? null,
    rest: (frame["rest"] as Record<string, unknown> | undefined) ?? {},
    token: String(frame["token"] ?? ""),
    signal: work.signal,
    pending,
    gateway,
    write: (chunk) => out.chunk(chunk),
    room: () => out.room(),
  };
}
