// Where steered messages stand in the messages that a model sees, from step to step.

import type { UIMessage } from "ai";

/** What `prepareStep` of `streamText` is given, as far as it matters here. */
export interface Step<MESSAGE> {
  messages: MESSAGE[];
}

interface ModelMessage {
  role: "user";
  content: ({ type: "text"; text: string } | { type: "file"; mediaType: string; data: string })[];
}

export class Steps {
  #steered: { at: number; message: ModelMessage }[] = [];

  /** `messages` with what was steered in at earlier steps, and `fresh` at the end. */
  with<MESSAGE>(messages: MESSAGE[], fresh: UIMessage[]): MESSAGE[] {
    const known = new Set<unknown>(messages);
    // Some versions of the AI SDK hand back what a step was given, others begin anew.
    const missing = this.#steered.filter(({ message }) => !known.has(message));
    const result = [...messages];
    for (const { at, message } of missing) result.splice(at, 0, message as MESSAGE);
    for (const message of fresh) {
      const steered = { at: result.length, message: modelMessage(message) };
      this.#steered.push(steered);
      result.push(steered.message as MESSAGE);
    }
    return result;
  }
}

/** A user's message as the model sees it. */
export function modelMessage({ parts }: UIMessage): ModelMessage {
  const content: ModelMessage["content"] = [];
  for (const part of parts) {
    if (part.type === "text") content.push({ type: "text", text: part.text });
    if (part.type === "file") {
      content.push({ type: "file", mediaType: part.mediaType, data: part.url });
    }
  }
  return { role: "user", content };
}
