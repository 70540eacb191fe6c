// What a client says on `.in` (spec/v1/records.md R-IN, turns.md). Pure.

/** A UIMessage of the AI SDK, as far as the client itself looks at it. */
export interface Message {
  id: string;
  role: string;
  parts: { type: string; [key: string]: unknown }[];
  [key: string]: unknown;
}

export interface SendOptions {
  /** Goes to the agent as it is. */
  metadata?: unknown;
  /** More keys of the payload: the application's. */
  body?: object;
}

type Payload = Record<string, unknown>;

const ANSWERED: ReadonlySet<unknown> =
  new Set(["output-available", "output-error", "output-denied", "approval-responded"]);

export function submit(message: Message, options: SendOptions & { messageId?: string } = {}) {
  const slim = message.role === "assistant" ? onlyAnswers(message) : message;
  return body("submit-message", { message: slim, ...id(options.messageId) }, options);
}

export function regenerate(messageId: string | undefined, options: SendOptions = {}) {
  return body("regenerate-message", id(messageId), options);
}

export function action(value: unknown, options: SendOptions = {}) {
  return body("action", { action: value }, options);
}

export function stop() {
  return JSON.stringify({ kind: "stop" });
}

/** A message of the user, from its text. */
export function userMessage(text: string, messageId: string): Message {
  return { id: messageId, role: "user", parts: [{ type: "text", text }] };
}

/** What a tool gave, or a person decided, as the assistant message that R-TRN-4 wants. */
export function toolAnswer(messageId: string, part: Message["parts"][number]): Message {
  return { id: messageId, role: "assistant", parts: [part] };
}

/** Only what the agent can't know: outputs and decisions. All else stays as it is stored. */
export function onlyAnswers(message: Message): Message {
  const parts = message.parts.filter((part) => ANSWERED.has(part["state"])).map((part) => {
    const { type, toolCallId, state, toolName, output, errorText, approval } = part;
    return { type, toolCallId, state, toolName, output, errorText, approval };
  });
  return parts.length === 0 ? message : { id: message.id, role: message.role, parts };
}

function body(trigger: string, own: Payload, { metadata, body: more }: SendOptions): string {
  const payload = { ...more, ...own, trigger, metadata };
  return JSON.stringify({ kind: "message", payload });
}

function id(messageId: string | undefined): Payload {
  return messageId === undefined ? {} : { messageId };
}
