// An agent as it is declared, and how it is registered.

import type { Agent as Registration, Tool as RegisteredTool } from "../link/index.js";
import { jsonSchemaOf } from "./schema.js";
import type { AgentOptions, Tool } from "./types.js";

export interface AgentDefinition extends AgentOptions {
  readonly kind: "tidegate.agent";
}

/** Declares an agent. `serve` links it to a gateway. */
export function agent(options: AgentOptions): AgentDefinition {
  if (typeof options?.id !== "string" || options.id === "") {
    throw new TypeError("an agent needs an id");
  }
  if (typeof options.run !== "function") {
    throw new TypeError(`agent ${options.id} needs a function "run"`);
  }
  return { ...options, kind: "tidegate.agent" };
}

/** Its entry in `hello`. */
export async function registration(
  definition: AgentDefinition,
  version: string,
): Promise<Registration> {
  const { id, actions, onAction, steering, tools } = definition;
  const entry: Registration = {
    id,
    version,
    mode: "turns",
    steering: steering === true,
    actions: actions !== undefined || onAction !== undefined,
    handover: "calls",
  };
  const named = Object.entries(tools ?? {}).filter(([, tool]) => !isProviders(tool));
  if (named.length > 0) {
    entry.tools = await Promise.all(named.map(([name, tool]) => registered(name, tool)));
  }
  return entry;
}

async function registered(name: string, tool: Tool): Promise<RegisteredTool> {
  const entry: RegisteredTool = { name };
  if (typeof tool.description === "string") entry.description = tool.description;
  const schema = await jsonSchemaOf(tool.inputSchema);
  if (schema !== undefined) entry.input_schema = schema;
  // Whether a function would ask depends on an input that nobody has yet.
  if (tool.needsApproval !== undefined && tool.needsApproval !== false) entry.needs_approval = true;
  return entry;
}

/** Tools that a provider of models executes itself are of no use to another one's model. */
function isProviders(tool: Tool): boolean {
  return String((tool as { type?: unknown }).type).startsWith("provider");
}
