// The same as a custom agent with the managed turn iterator.

import { chat } from "@trigger.dev/sdk/ai";
import { streamText } from "ai";
import { echoModel } from "./echo-model.js";

export const custom = chat.customAgent({
  id: "custom-echo",
  run: async (payload, { signal }) => {
    const session = chat.createSession(payload, { signal, idleTimeoutInSeconds: 5 });
    for await (const turn of session) {
      const { messages, signal: abortSignal } = turn;
      await turn.complete(streamText({ model: echoModel(), messages, abortSignal }));
    }
  },
});
