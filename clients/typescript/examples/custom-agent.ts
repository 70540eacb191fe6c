// The same as a custom agent with the managed turn iterator.

import { chat } from "@trigger.dev/sdk/ai";
import { streamText } from "ai";
import { sayModel } from "./say-model.js";

export const custom = chat.customAgent({
  id: "custom-echo",
  run: async (payload, { signal }) => {
    const session = chat.createSession(payload, { signal });
    for await (const turn of session) {
      const { messages, signal: abortSignal } = turn;
      const said = JSON.stringify(messages.at(-1)?.content);
      const model = sayModel(`you said ${said}`);
      await turn.complete(streamText({ model, messages, abortSignal }));
    }
  },
});
