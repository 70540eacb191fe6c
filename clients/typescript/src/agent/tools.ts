// Executes the calls that a head start hands over (R-HDS-14, R-HDS-25).

import { randomUUID } from "node:crypto";
import type { UIMessage } from "ai";
import { HIDDEN_TOOL_ERROR, shown, TurnError } from "./errors.js";
import type { Log } from "./runner.js";
import { checked } from "./schema.js";
import type { AgentOptions, Chunk, Tool, ToolCall, Turn } from "./types.js";

/** A tool part of a message. */
interface Part {
  type: string;
  toolName?: string;
  toolCallId: string;
  state: string;
  input?: unknown;
  [key: string]: unknown;
}

/** Where the calls come from, and where their ends go. */
export interface Calling {
  options: Pick<AgentOptions, "tools" | "showError">;
  turn: Turn;
  write(chunk: Chunk): void;
  log: Log;
}

/**
 * Executes the calls of the message's last step, all at once. Each end is written as it comes, and
 * is put into the message. Resolves to whether all have an output; without that nothing can go on.
 */
export async function settleCalls(message: UIMessage, calling: Calling): Promise<boolean> {
  const open = openCalls(message);
  if (open.length === 0) return true;
  const messages = await modelMessages(calling.turn.messages);
  const ends = await Promise.all(open.map((part) => settle(part, messages, calling)));
  return ends.every((settled) => settled);
}

function openCalls({ parts }: UIMessage): Part[] {
  const last = parts.slice(parts.findLastIndex(({ type }) => type === "step-start") + 1);
  return (last as unknown as Part[]).filter(({ toolCallId, state, providerExecuted }) =>
    toolCallId !== undefined && state === "input-available" && providerExecuted !== true);
}

async function settle(part: Part, messages: unknown[], calling: Calling): Promise<boolean> {
  const name = part.toolName ?? part.type.replace(/^tool-/, "");
  const known = calling.options.tools ?? {};
  const tool = Object.hasOwn(known, name) ? known[name] : undefined;
  if (tool === undefined) return failed(part, `this agent has no tool "${name}"`, calling);
  try {
    const input = await checked(tool.inputSchema, part.input);
    if ("problem" in input) {
      return failed(part, `invalid input for tool "${name}": ${input.problem}`, calling);
    }
    return await call(part, tool, input.value, messages, calling);
  } catch (error) {
    if (!(error instanceof TurnError)) calling.log(`tool ${name} failed`, error);
    return failed(part, shown(error, calling.options.showError, HIDDEN_TOOL_ERROR), calling);
  }
}

async function call(
  part: Part,
  tool: Tool,
  input: unknown,
  messages: unknown[],
  calling: Calling,
): Promise<boolean> {
  const { turn } = calling;
  const { signal } = turn;
  const { toolCallId } = part;
  const how: ToolCall = { turn, toolCallId, signal, abortSignal: signal, messages };
  const { needsApproval } = tool;
  const asks = typeof needsApproval === "function" ? needsApproval(input, how) : needsApproval;
  if ((await asks) === true) {
    const id = `approval-${randomUUID()}`;
    ended(part, { state: "approval-requested", approval: { id } });
    calling.write({ type: "tool-approval-request", approvalId: id, toolCallId });
    return false;
  }
  // It runs in the client, which answers the call.
  if (tool.execute === undefined) return false;
  const output = await outputOf(tool.execute(input, how), (preliminary) =>
    write(part, { type: "tool-output-available", toolCallId, output: json(preliminary),
      preliminary: true }, calling));
  const told = json(output);
  write(part, { type: "tool-output-available", toolCallId, output: told }, calling);
  ended(part, { state: "output-available", output: told });
  return true;
}

/** A call that failed has ended as well: the model is told, and goes on. */
function failed(part: Part, errorText: string, calling: Calling): boolean {
  write(part, { type: "tool-output-error", toolCallId: part.toolCallId, errorText }, calling);
  ended(part, { state: "output-error", errorText });
  return true;
}

function write(part: Part, chunk: Chunk, { write: to, turn }: Calling): void {
  // A tool that does not heed the signal may end long after its turn.
  if (turn.signal.aborted) return;
  to(part.type === "dynamic-tool" ? ({ ...chunk, dynamic: true } as Chunk) : chunk);
}

function ended(part: Part, end: Partial<Part>): void {
  Object.assign(part, end);
}

/** A tool of the AI SDK may give one output after another; the last one counts. */
async function outputOf(given: unknown, preliminary: (output: unknown) => void): Promise<unknown> {
  const output = await given;
  if (typeof output !== "object" || output === null || !(Symbol.asyncIterator in output)) {
    return output;
  }
  let last: unknown;
  for await (const one of output as AsyncIterable<unknown>) preliminary((last = one));
  return last;
}

/** As everybody else will see it. Throws TypeError for what can't be written. */
function json(output: unknown): unknown {
  return JSON.parse(JSON.stringify(output) ?? "null");
}

/** What tools of the AI SDK are given of the history. Without `ai` nobody asks for it. */
async function modelMessages(messages: UIMessage[]): Promise<unknown[]> {
  try {
    return await (await import("ai")).convertToModelMessages(messages);
  } catch {
    return [];
  }
}
