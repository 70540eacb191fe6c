export { useTidegateChat } from "./use-tidegate-chat.js";
export type { TidegateChat, TidegateChatOptions } from "./use-tidegate-chat.js";
export type { Watched } from "./watching.js";
export type { PendingInput } from "../client/chat/inputs.js";
