// Unmodified agents of the published SDK; a slow boot is a hook that sleeps.

import { chat } from "@trigger.dev/sdk/ai";
import { streamText } from "ai";
import { setTimeout as sleep } from "node:timers/promises";
import { booted, model, wanted } from "./ask.mjs";

export const agents = wanted("chat").map(({ id, boot, first }) => chat.agent({
  id,
  idleTimeoutInSeconds: 30,
  onBoot: async ({ chatId }) => {
    await sleep(boot);
    await booted(chatId);
  },
  run: async ({ messages, signal }) =>
    streamText({ model: model(first), messages, abortSignal: signal }),
}));
