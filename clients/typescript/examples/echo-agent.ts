// An ordinary chat.agent file; nothing in it knows of Tidegate.

import { chat } from "@trigger.dev/sdk/ai";
import { streamText } from "ai";
import { echoModel } from "./echo-model.js";

export const echo = chat.agent({
  id: "echo",
  idleTimeoutInSeconds: 5,
  run: async ({ messages, signal }) =>
    streamText({ model: echoModel(), messages, abortSignal: signal }),
});
