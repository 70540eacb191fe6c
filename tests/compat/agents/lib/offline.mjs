// The SDK's own offline harness: the same agent definitions without any server.
// Started as a process: reads scripts as JSON from stdin, writes what came of them to stdout.

import { mockChatAgent } from "@trigger.dev/sdk/ai/test";
import { readFileSync } from "node:fs";
import { fixture } from "./host.mjs";
import { slim } from "./slim.mjs";

const { files, scripts } = JSON.parse(readFileSync(0, "utf8"));
for (const file of files) await import(fixture(file));

const results = {};
for (const { agent, clientData, steps } of scripts) {
  const harness = mockChatAgent({ id: agent }, { chatId: agent, clientData });
  results[agent] = [];
  for (const step of steps) {
    const { chunks } = await play(harness, step, results[agent].at(-1));
    results[agent].push(chunks);
  }
  await harness.close();
}
process.stdout.write(JSON.stringify(results), () => process.exit(0));

function play(harness, step, before) {
  if (step.action) return harness.sendAction(step.action);
  if (step.regenerate) return harness.sendRegenerate();
  if (step.part) return harness.sendMessage(slim(before, step.part));
  return harness.sendMessage({ id: step.id, role: "user",
    parts: [{ type: "text", text: step.say }] });
}
