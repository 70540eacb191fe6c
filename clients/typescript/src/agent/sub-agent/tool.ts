// A sub-agent as a tool of the AI SDK.

import type { FlexibleSchema, Tool } from "ai";
import type { Turn } from "../types.js";
import { runSubAgent } from "./run.js";

export interface SubAgentOptions<INPUT> {
  /** The turn whose model may call it. */
  turn: Turn;
  /** The other agent's id. */
  agent: string;
  /** Tells the model when to call it. */
  description?: string;
  /** What the model has to say. */
  inputSchema: FlexibleSchema<INPUT>;
  /** What the other agent is asked. */
  prompt(input: INPUT): string;
  /** Client data for the other agent. */
  metadata?: unknown;
}

/** A tool for `streamText`; its output is the text of the sub-agent's answer. */
export function subAgent<INPUT>(options: SubAgentOptions<INPUT>): Tool<INPUT, string> {
  const { turn, agent, description, inputSchema, prompt, metadata } = options;
  return {
    ...(description === undefined ? {} : { description }),
    inputSchema,
    async execute(input: INPUT, { toolCallId, abortSignal }): Promise<string> {
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
