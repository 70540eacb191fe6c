// Agents with `streamText` of the AI SDK: tools, approvals, steering, actions, hooks.
// TIDEGATE_AI names the package to use, such as "ai" or a path.

import { appendFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { agent, serve } from "tidegate/agent";
import { z } from "zod";
import { model } from "./model.js";

const { convertToModelMessages, isStepCount, stepCountIs, streamText, tool } =
  await import(process.env.TIDEGATE_AI ?? "ai");

const note = (text) => appendFileSync(process.env.TIDEGATE_NOTES, `${text}\n`);

const tools = {
  weather: tool({
    description: "The weather in a city",
    inputSchema: z.object({ city: z.string() }),
    execute: async ({ city }) => {
      // Time for a message to arrive while the tool runs.
      await sleep(city === "Slowtown" ? 4_000 : 0);
      return { city, sky: "clear" };
    },
  }),
  launch: tool({
    inputSchema: z.object({ what: z.string() }),
    needsApproval: true,
    execute: ({ what }) => {
      note(`launched ${what}`);
      return `launched ${what}`;
    },
  }),
  crash: tool({
    inputSchema: z.object({}),
    execute: () => {
      throw new Error("the tool broke");
    },
  }),
};

const assistant = agent({
  id: "assistant",
  steering: true,
  tools,
  async run(turn) {
    if (turn.metadata?.throw) throw new Error("a secret");
    return streamText({
      model,
      tools,
      messages: await convertToModelMessages(turn.messages),
      abortSignal: turn.signal,
      stopWhen: (stepCountIs ?? isStepCount)(5),
      prepareStep: turn.pending.prepareStep,
    });
  },
  actions: {
    greet: {
      schema: z.object({ type: z.literal("greet"), name: z.string() }),
      run: ({ name }) => `Hello ${name}.`,
    },
    silent: { run: () => note("silent action") },
  },
  onStart: (turn) => note(`${turn.chatId} start`),
  onTurnStart: (turn) => note(`${turn.chatId} turn ${turn.turn}`),
  onTurnComplete: (turn, { status }) => note(`${turn.chatId} complete ${turn.turn} ${status}`),
});

await serve([assistant], { log: (message) => note(`log ${message}`) });
