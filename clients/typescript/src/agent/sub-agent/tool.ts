// A sub-agent as a tool of the AI SDK.

import type { Turn } from "../types.js";
import { runSubAgent } from "./run.js";

export interface SubAgentOptions<INPUT> {
  /** The turn whose model may call it. */
  turn: Turn;
  /** The other agent's id. */
  agent: string;
  /** Tells the model when to call it. */
  description?: string;
  /** A schema that the AI SDK takes. */
  inputSchema: unknown;
  /** What the other agent is asked. */
  prompt(input: INPUT): string;
  /** Client data for the other agent. */
  metadata?: unknown;
}

/** What the AI SDK gives a tool, as far as it matters here. */
interface CallOptions {
  toolCallId: string;
  abortSignal?: AbortSignal | undefined;
}

/** A tool for `streamText`; its output is the text of the sub-agent's answer. */
export function subAgent<INPUT>(options: SubAgentOptions<INPUT>) {
  const { turn, agent, description, inputSchema, prompt, metadata } = options;
  return {
    ...(description === undefined ? {} : { description }),
    inputSchema,
    async execute(input: INPUT, { toolCallId, abortSignal }: CallOptions): Promise<string> {
      const { text } = await runSubAgent({
        turn,
        agent,
        callId: toolCallId,
        prompt: prompt(input),
        metadata,
        ...(abortSignal === undefined ? {} : { signal: abortSignal }),
      });
      return text;
    },
  };
}
