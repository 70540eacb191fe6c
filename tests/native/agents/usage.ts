// Only type-checked: the SDK's types meet those of `ai` and zod.

import { convertToModelMessages, stepCountIs, streamText, tool, type LanguageModel } from "ai";
import { agent, runSubAgent, serve, subAgent, TurnError } from "tidegate/agent";
import { z } from "zod";

declare const model: LanguageModel;
const question = z.object({ question: z.string() });

const tools = {
  find: tool({
    inputSchema: question,
    needsApproval: ({ question: asked }) => asked === "",
    execute: async ({ question: asked }, { toolCallId }) => ({ asked, toolCallId }),
  }),
  show: tool({ inputSchema: question }),
};

const assistant = agent({
  id: "assistant",
  steering: true,
  tools: {
    ...tools,
    plain: {
      description: "One of our own",
      inputSchema: { type: "object" },
      execute: ({ question: asked }, { turn, signal }) => [asked, turn.chatId, signal.aborted],
    },
  },
  run: async (turn) => streamText({
    model,
    messages: await convertToModelMessages(turn.messages),
    abortSignal: turn.signal,
    stopWhen: stepCountIs(3),
    tools: {
      ask: subAgent({
        turn,
        agent: "generated",
        inputSchema: question,
        prompt: (input) => input.question,
      }),
    },
    prepareStep: turn.pending.prepareStep,
  }),
  actions: {
    greet: {
      schema: z.object({ type: z.literal("greet"), name: z.string() }),
      run: ({ name }) => `Hello ${name}`,
    },
  },
  onTurnComplete(turn, outcome) {
    if (outcome.status === "failed") console.log(turn.chatId, outcome.errorText);
  },
});

const generated = agent({
  id: "generated",
  async *run(turn) {
    yield "text";
    yield { type: "text-start", id: "1" };
    for await (const message of turn.pending) yield message.id;
    throw new TurnError("shown");
  },
});

const plain = agent({ id: "plain", run: (turn) => turn.trigger });

const caller = agent({
  id: "caller",
  run: async (turn) =>
    (await runSubAgent({ turn, agent: "plain", callId: "1", prompt: "hello" })).text,
});

const agents = [assistant, generated, plain, caller];
const worker = await serve(agents, { url: "http://127.0.0.1:8787", key: "k", version: "2" });
await worker.drain();
