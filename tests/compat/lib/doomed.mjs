// A customer's server that a test kills in step 1: a process of its own.

import { say } from "./chats.mjs";
import { hangs, runOf } from "./head-start.mjs";
import { chatServer, configure } from "./sdk.mjs";

const [baseURL, secretKey, agentId, chatId, idle] = process.argv.slice(2);
configure({ baseURL, secretKey });
await chatServer.startHeadStart({ agentId, chatId, messages: [say("hi")],
  idleTimeoutInSeconds: Number(idle), run: runOf(hangs("half a sentence")) });
