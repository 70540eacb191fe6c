// An agent as it is declared, and how it is registered.

import type { Agent as Registration } from "../link/index.js";
import type { AgentOptions } from "./types.js";

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
export function registration(definition: AgentDefinition, version: string): Registration {
  const { id, actions, onAction, steering, tools } = definition;
  const entry: Registration = {
    id,
    version,
    mode: "turns",
    steering: steering === true,
    actions: actions !== undefined || onAction !== undefined,
  };
  const named = Object.entries(tools ?? {});
  if (named.length > 0) {
    entry.tools = named.map(([name, { description }]) =>
      (description === undefined ? { name } : { name, description }));
  }
  return entry;
}
