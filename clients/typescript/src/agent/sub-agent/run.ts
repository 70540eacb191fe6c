// Runs another agent's session as a part of a turn.

import { createHash } from "node:crypto";
import type { UIMessage } from "ai";
import { WorkLostError } from "../../link/index.js";
import type { Turn } from "../types.js";
import { follow } from "./follow.js";
import { Forward } from "./forward.js";

/** The reasons of a `cancel` after which no other worker goes on. */
const FOR_GOOD: ReadonlySet<string> = new Set(["stopped", "cancelled", "timeout"]);

export interface SubAgentCall {
  turn: Turn;
  /** The other agent's id. */
  agent: string;
  /** What it is asked. */
  prompt: string;
  /** Tells this call from others of the chat; the same again re-attaches to the same session. */
  callId: string;
  /** Client data for the other agent. */
  metadata?: unknown;
  /** Stops it, beside the turn's own signal. */
  signal?: AbortSignal;
}

export interface SubAgentResult {
  /** The child's chat id. */
  chatId: string;
  /** Its answer's text. */
  text: string;
  /** Its answer. */
  message: UIMessage | undefined;
}

/** The sub-agent's turn ended in an error. */
export class SubAgentError extends Error {
  override name = "SubAgentError";
}

/** The child's chat id: the same for the same call, whoever makes it, whenever. */
export function childOf(parentChatId: string, callId: string): string {
  const digest = createHash("sha256").update(JSON.stringify([parentChatId, callId])).digest();
  return `sub_${digest.toString("base64url").slice(0, 32)}`;
}

/**
 * Asks `agent` in a session of its own, shows its chunks in the parent's stream, and resolves with
 * its answer. A parent that is run again finds the session as it is. A stop of the parent stops it.
 */
export async function runSubAgent(call: SubAgentCall): Promise<SubAgentResult> {
  const { turn, callId } = call;
  const chatId = childOf(turn.chatId, callId);
  const stopped = call.signal ?? turn.signal;
  const signal = AbortSignal.any([turn.signal, stopped]);
  await create(call, chatId);
  const forward = new Forward(callId, turn.write);
  let text = "";
  let failed: string | undefined;
  try {
    for await (const chunk of follow(turn.gateway, chatId, 0, signal)) {
      forward.add(chunk);
      if (chunk.type === "text-delta") text += chunk.delta;
      if (chunk.type === "error") failed = chunk.errorText;
      await turn.room();
    }
  } catch (error) {
    if (signal.aborted && ends(signal.reason)) await stop(turn, chatId);
    throw error;
  } finally {
    forward.flush();
  }
  if (failed !== undefined) throw new SubAgentError(`sub-agent ${call.agent}: ${failed}`);
  return { chatId, text, message: await answerOf(turn, chatId) };
}

/** A parent that only moves to another worker comes back to its child. */
function ends(reason: unknown): boolean {
  return !(reason instanceof WorkLostError) || FOR_GOOD.has(reason.reason);
}

/** The message is a part of the creation, so that it is given once, however often this is done. */
async function create(call: SubAgentCall, chatId: string): Promise<void> {
  const { turn, agent, prompt, callId, metadata } = call;
  const message = { id: `${chatId}_in`, role: "user", parts: [{ type: "text", text: prompt }] };
  const basePayload = { chatId, trigger: "submit-message", message,
    ...(metadata === undefined ? {} : { metadata }) };
  await turn.gateway.json("/api/v1/sessions", {
    method: "POST",
    // The turn's own token: the gateway counts how deep sub-agents go by it.
    ...(turn.token === "" ? {} : { token: turn.token }),
    body: JSON.stringify({
      type: "chat.agent",
      externalId: chatId,
      taskIdentifier: agent,
      triggerConfig: { basePayload },
      metadata: { parentChatId: turn.chatId, toolCallId: callId },
    }),
  });
}

async function stop(turn: Turn, chatId: string): Promise<void> {
  await turn.gateway.json(`/realtime/v1/sessions/${chatId}/in/append`, {
    method: "POST",
    headers: { "x-part-id": `stop-${turn.id}` },
    body: JSON.stringify({ kind: "stop" }),
  });
}

async function answerOf(turn: Turn, chatId: string): Promise<UIMessage | undefined> {
  const path = `/api/v1/sessions/${chatId}/transcript?limit=1`;
  const { messages } = await turn.gateway.json<{ messages: UIMessage[] }>(path);
  const last = messages.at(-1);
  return last?.role === "assistant" ? last : undefined;
}

