// Answers an action turn.

import type { AgentDefinition } from "./definition.js";
import { TurnError } from "./errors.js";
import type { Action, Answer, Turn } from "./types.js";

/** Throws TurnError for an unknown action and for a body that its schema refuses. */
export async function answerAction(definition: AgentDefinition, turn: Turn): Promise<Answer> {
  const type = (turn.action as { type?: unknown } | null)?.type;
  const known = definition.actions ?? {};
  const action = typeof type === "string" && Object.hasOwn(known, type) ? known[type] : undefined;
  if (action !== undefined) return action.run(await checked(action, turn.action), turn);
  if (definition.onAction !== undefined) return definition.onAction(turn);
  throw new TurnError(`unknown action ${JSON.stringify(type) ?? "without a type"}`);
}

async function checked(action: Action, body: unknown): Promise<unknown> {
  if (action.schema === undefined) return body;
  const result = await action.schema["~standard"].validate(body);
  if (result.issues === undefined) return result.value;
  const messages = result.issues.map(({ message }) => message).join("; ");
  throw new TurnError(`invalid action: ${messages}`);
}
