// The agent of the suite of turns (suite/README.md), in TypeScript's SDK.

import { setTimeout as sleep } from "node:timers/promises";
import { agent, serve, TurnError } from "../../../clients/typescript/dist/agent/index.js";

const textOf = (message) => message.parts[0].text;

const commands = {
  async *say(turn, rest) {
    for (const [index, word] of rest.split(" ").entries()) yield index === 0 ? word : ` ${word}`;
  },
  history: (turn) => {
    const users = turn.messages.filter(({ role }) => role === "user");
    return `${turn.messages.length}: ${users.map(textOf).join(" | ")}`;
  },
  async *wait() {
    yield "Tick.";
    await new Promise(() => undefined);
  },
  async *count(turn, rest) {
    for (let number = 1; number <= Number(rest); number += 1) {
      yield `${number} `;
      await sleep(5);
    }
  },
  async *delete(turn, name) {
    const toolCallId = `call-${turn.turn}`;
    yield { type: "tool-input-available", toolCallId, toolName: "delete_file", input: { name } };
    yield { type: "tool-approval-request", approvalId: `approval-${turn.turn}`, toolCallId };
  },
  async *fail() {
    yield "Half";
    throw new TurnError("out of order");
  },
  async *cite() {
    yield { type: "reasoning-start", id: "r" };
    yield { type: "reasoning-delta", id: "r", delta: "Hm." };
    yield { type: "reasoning-end", id: "r" };
    yield { type: "source-url", sourceId: "s1", url: "https://example.com/" };
    yield { type: "data-mood", id: "m", data: { mood: "calm", "über": [1, null, "☃"] } };
    yield "Cited.";
  },
  async *flood(turn, rest) {
    for (let number = 0; number < Number(rest); number += 1) {
      yield String.fromCharCode(97 + (number % 26)).repeat(65_536);
    }
  },
  model: () => "Ran.",
  which: (turn) => turn.trigger,
  meta: (turn) => JSON.stringify(turn.metadata),
  async *steer(turn) {
    yield "Waiting.";
    for await (const message of turn.pending) {
      yield ` Got ${textOf(message)}.`;
      return;
    }
  },
};

const nothing = { type: "object" };
const tools = {
  search: {
    description: "Finds what it is asked for",
    inputSchema: { ...nothing, properties: { query: { type: "string" } }, required: ["query"] },
    execute: ({ query }) => ({ found: query }),
  },
  breaks: {
    inputSchema: nothing,
    execute() {
      throw new TurnError("no luck");
    },
  },
  sleeps: { inputSchema: nothing, execute: () => new Promise(() => undefined) },
  show_map: { inputSchema: nothing },
  // Its calls are only handed over where the gateway's configuration lists it itself.
  delete_file: { inputSchema: nothing, needsApproval: () => true, execute: () => undefined },
};

// What no gateway takes: a tool with this name, or one with this schema.
const { SUITE_TOOL, SUITE_SCHEMA } = process.env;
if (SUITE_TOOL) tools[SUITE_TOOL] = { inputSchema: nothing };
if (SUITE_SCHEMA) tools.odd = { inputSchema: JSON.parse(SUITE_SCHEMA) };

async function* resumed(turn) {
  const calls = turn.messages.at(-1).parts.filter((part) => part.toolCallId !== undefined);
  const { toolCallId, input, approval } = calls.at(-1) ?? {};
  if (approval === undefined) {
    const ends = calls.map(({ output, errorText }) => errorText ?? JSON.stringify(output));
    yield `Then: ${ends.join(", ") || "nothing"}.`;
    return;
  }
  if (approval.approved) {
    yield { type: "tool-output-available", toolCallId, output: { deleted: true } };
    yield `Deleted ${input.name}.`;
  } else {
    yield { type: "tool-output-denied", toolCallId };
    yield `Kept ${input.name}.`;
  }
}

await serve([agent({
  id: "suite-typescript",
  steering: true,
  tools,
  onTurnStart(turn) {
    const asked = turn.messages.findLast(({ role }) => role === "user");
    if (asked && textOf(asked).endsWith("+ reject")) throw new TurnError("not today");
  },
  run(turn) {
    if (turn.continues) return resumed(turn);
    const [, command, rest] = /^(\w+) ?(.*)$/.exec(textOf(turn.messages.at(-1)));
    return commands[command](turn, rest);
  },
  actions: { greet: { run: ({ name }) => `Hello ${name}.` } },
  onAction() {
    throw new TurnError("unknown action");
  },
})]);
