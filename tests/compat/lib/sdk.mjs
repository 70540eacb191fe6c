// The published SDK under test: 4.8.3, or the oldest 4.5.x when TIDEGATE_SDK names it.

import { readFileSync } from "node:fs";

const name = process.env.TIDEGATE_SDK ?? "@trigger.dev/sdk";
const folder = new URL(`../node_modules/${name}/`, import.meta.url);

export const { version } = JSON.parse(readFileSync(new URL("package.json", folder), "utf8"));
export const isOldest = name !== "@trigger.dev/sdk";
export const { TriggerChatTransport, AgentChat } = await import(`${name}/chat`);
export const { chat, defaultStorage } = await import(`${name}/ai`);
export const { configure, auth, sessions } = await import(name);
export const { chat: chatServer } = await import(`${name}/chat-server`);
