// A parent whose model calls a sub-agent, and the sub-agents.

import { convertToModelMessages, stepCountIs, streamText } from "ai";
import { agent, runSubAgent, serve, subAgent, TurnError } from "tidegate/agent";
import { z } from "zod";
import { model } from "./model.js";

const parent = agent({
  id: "parent",
  run: async (turn) => streamText({
    model,
    tools: {
      ask: subAgent({ turn, agent: "child", inputSchema: z.object({ text: z.string() }),
        prompt: ({ text }) => text }),
    },
    messages: await convertToModelMessages(turn.messages),
    abortSignal: turn.signal,
    stopWhen: stepCountIs(3),
  }),
});

// Says nothing of its own before the sub-agent is done: a lost turn is then asked again.
const quiet = agent({
  id: "quiet-parent",
  async run(turn) {
    const { text } = turn.messages.at(-1).parts[0];
    const hidden = { ...turn, write: () => undefined };
    const child = await runSubAgent({ turn: hidden, agent: "child", callId: "c1", prompt: text });
    return `${turn.attempt}: ${child.text}`;
  },
});

const child = agent({
  id: "child",
  async *run(turn) {
    const { text } = turn.messages.at(-1).parts[0];
    const [, numbers] = /^count (\d+)$/.exec(text) ?? [];
    if (text === "fail") throw new TurnError("no luck");
    if (text === "deep" || text === "deeper") {
      const prompt = text === "deep" ? "deeper" : "say";
      yield `child of ${(await runSubAgent({ turn, agent: "child", callId: "c", prompt })).text}`;
      return;
    }
    if (numbers === undefined) return yield `said ${text}`;
    for (let number = 1; number <= Number(numbers); number += 1) {
      yield `${number} `;
      await new Promise((done) => setTimeout(done, 5));
    }
  },
});

const roles = { parent: [parent, quiet], child: [child] };
const capacity = Number(process.env.TIDEGATE_CAPACITY ?? 64);
await serve((process.env.TIDEGATE_ROLE ?? "parent,child").split(",").flatMap((r) => roles[r]),
  { capacity });
