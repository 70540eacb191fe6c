// The words of the agent SDK. `ai` is only needed for its types here.

import type { UIMessage, UIMessageChunk } from "ai";
import type { Gateway } from "./gateway.js";
import type { Pending } from "./pending.js";

export type Chunk = UIMessageChunk;

/** One answer is wanted. */
export interface Turn<MESSAGE extends UIMessage = UIMessage> {
  readonly id: string;
  readonly agent: string;
  readonly version: string;
  /** The chat's id, as its client knows it. */
  readonly chatId: string;
  /** The gateway's id of the session. */
  readonly sessionId: string;
  readonly runId: string;
  /** Counts from 1. */
  readonly turn: number;
  /** Counts from 1; above 1 after a worker was lost that had shown nothing of the answer. */
  readonly attempt: number;
  /** Why the attempt before this one was lost. */
  readonly cause: string | null;
  readonly trigger: "submit-message" | "regenerate-message" | "action";
  /** The whole history, ending with the message to answer, or with the one to continue. */
  readonly messages: MESSAGE[];
  /** The id that the answer's message will have. */
  readonly answerId: string;
  /**
   * The answer continues the last, assistant, message: a tool's result or an approval came, or a
   * head start was handed over.
   */
  readonly continues: boolean;
  /** What is answered again, if the client said so. */
  readonly messageId: string | null;
  /** What the client sent along. */
  readonly metadata: unknown;
  /** The action's body. */
  readonly action: unknown;
  /** The keys that the application added to its message. */
  readonly rest: Record<string, unknown>;
  /** A credential for the session's environment. */
  readonly token: string;
  /** Aborts when the user stops the turn, and when it is taken from this worker. */
  readonly signal: AbortSignal;
  /** Messages that arrive while the turn runs, for agents with `steering`. */
  readonly pending: Pending;
  /** The gateway that asks. */
  readonly gateway: Gateway;
  /** Writes a chunk beside the answer that is returned, such as a `data-*` part. */
  write(chunk: Chunk): void;
  /** Resolves when what was written has left enough room for more. */
  room(): Promise<void>;
}

/** What `streamText` of `ai` returns, as far as it matters here. */
export interface StreamResult {
  toUIMessageStream(options: Record<string, unknown>): AsyncIterable<Chunk>;
}

/** What an agent may answer with. Strings are text; nothing is an empty answer. */
export type Answer =
  | string
  | undefined
  | void
  | StreamResult
  | AsyncIterable<Chunk | string>
  | ReadableStream<Chunk | string>;

export type MaybePromise<T> = T | Promise<T>;

/** A schema of zod, valibot, arktype and others. */
export interface StandardSchema<T = unknown> {
  readonly "~standard": {
    validate(value: unknown): MaybePromise<
      { value: T; issues?: undefined } | { issues: readonly { message: string }[] }
    >;
    readonly types?: { readonly output: T } | undefined;
  };
}

export interface Action<INPUT = unknown> {
  /** Checks the action's body; what it gives is the input of `run`. */
  schema?: StandardSchema<INPUT>;
  run(input: INPUT, turn: Turn): MaybePromise<Answer>;
}

/** How a tool is called. `abortSignal` and `messages` are there for tools of the AI SDK. */
export interface ToolCall {
  readonly turn: Turn;
  readonly toolCallId: string;
  /** Aborts with the turn. */
  readonly signal: AbortSignal;
  readonly abortSignal: AbortSignal;
  /** The history as model messages. */
  readonly messages: any[];
}

/** What the model of a head start may call. A `tool()` of the AI SDK is one. */
export interface Tool {
  /** Tells the model when to call it. */
  description?: string;
  /** A schema of zod, valibot, arktype and others, one of the AI SDK, or JSON schema. */
  inputSchema?: unknown;
  /** Gives the output. A tool without it runs in the client. */
  execute?(input: any, call: ToolCall): unknown;
  /** The user is asked before it is executed. */
  needsApproval?: boolean | ((input: any, call: ToolCall) => boolean | PromiseLike<boolean>);
}

/** How a turn ended. */
export type Outcome =
  /** The answer is stored. */
  | { status: "done" }
  /** The user sees `errorText`. */
  | { status: "failed"; error: unknown; errorText: string }
  /** The user stopped it. What was sent until then is kept. */
  | { status: "stopped" }
  /** It was taken from this worker; another may be asked. */
  | { status: "lost"; reason: string };

export interface AgentOptions {
  id: string;
  /** Answers a message. An async generator will do as well. */
  run(turn: Turn): MaybePromise<Answer>;
  /** By the `type` of the action's body. */
  actions?: Record<string, Action<any>>;
  /** Answers the actions that `actions` does not name. */
  onAction?(turn: Turn): MaybePromise<Answer>;
  /** Before the first turn of a chat. */
  onStart?(turn: Turn): MaybePromise<void>;
  /** Before each turn. */
  onTurnStart?(turn: Turn): MaybePromise<void>;
  /** After each turn, whatever its end. The chat's next turn may be running already. */
  onTurnComplete?(turn: Turn, outcome: Outcome): MaybePromise<void>;
  /** It takes messages while a turn runs. */
  steering?: boolean;
  /** What the model of a head start may call; operators see them, too. */
  tools?: Record<string, Tool>;
  /** More options for `toUIMessageStream`, such as `sendReasoning`. */
  uiMessageStreamOptions?: Record<string, unknown>;
  /** What the user sees of an error. Without it only the text of a TurnError is shown. */
  showError?(error: unknown): string;
}
