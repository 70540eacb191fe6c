export { agent } from "./definition.js";
export type { AgentDefinition } from "./definition.js";
export { TurnError } from "./errors.js";
export { Gateway, GatewayError } from "./gateway.js";
export type { Pending } from "./pending.js";
export { serve } from "./serve.js";
export type { ServeOptions, Worker } from "./serve.js";
export { childOf, runSubAgent, SubAgentError } from "./sub-agent/run.js";
export type { SubAgentCall, SubAgentResult } from "./sub-agent/run.js";
export { subAgent } from "./sub-agent/tool.js";
export type { SubAgentOptions } from "./sub-agent/tool.js";
export type {
  Action, AgentOptions, Answer, Chunk, Outcome, StandardSchema, StreamResult, Tool, ToolCall,
  Turn,
} from "./types.js";
export { LinkError } from "../link/index.js";
