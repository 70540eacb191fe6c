// An ordinary chat.agent file; nothing in it knows of Tidegate.

import { chat } from "@trigger.dev/sdk/ai";
import { streamText } from "ai";
import { sayModel } from "./say-model.js";

export const echo = chat.agent({
  id: "echo",
  run: async ({ messages, signal }) => {
    const said = JSON.stringify(messages.at(-1)?.content);
    return streamText({ model: sayModel(`you said ${said}`), messages, abortSignal: signal });
  },
});
