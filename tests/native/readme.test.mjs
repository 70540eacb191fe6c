// The examples of the READMEs run as they are printed.

import assert from "node:assert/strict";
import { test } from "node:test";
import { gateway } from "../compat/harness.mjs";
import { chat } from "./lib/chat.mjs";
import { agentFile, example, project } from "./lib/example.mjs";
import { PYTHON, start } from "./lib/workers.mjs";

const gw = await gateway();

test("the TypeScript example", async () => {
  const cwd = await project({ "echo.js": example("clients/typescript/src/agent/README.md") });
  await echoes(start(gw, [process.execPath, "echo.js"], { cwd }));
});

test("the TypeScript example with streamText", async () => {
  const code = example("clients/typescript/src/agent/README.md", "example: ai");
  const cwd = await project({ "assistant.js": code, "model.js": agentFile("model.mjs") });
  start(gw, [process.execPath, "assistant.js"], { cwd });
  const talk = await chat(gw, "assistant");
  for (const text of ["one", "two"]) assert.deepEqual(await talk.settled(await talk.say(text)), []);
  const texts = (await talk.transcript()).map(({ parts }) => parts.at(-1).text);
  assert.deepEqual(texts, ["one", "I heard: one.", "two", "I heard: one, two."]);
  assert.deepEqual(await talk.reduced(), (await talk.transcript()).at(-1));
});

test("the Python example", async () => {
  const cwd = await project({ "echo.py": example("clients/python/README.md") });
  await echoes(start(gw, [PYTHON, "echo.py"], { cwd }));
});

/** Two turns, and the end that SIGTERM asks for. */
async function echoes(worker) {
  const talk = await chat(gw, "echo");
  for (const text of ["a b c", "d"]) assert.deepEqual(await talk.settled(await talk.say(text)), []);
  const texts = (await talk.transcript()).map(({ parts }) => parts.at(-1).text);
  assert.deepEqual(texts, ["a b c", "1 messages so far. You said: a b c",
    "d", "3 messages so far. You said: d"]);
  worker.kill("SIGTERM");
  assert.deepEqual(await worker.ended, { code: 0, signal: null }, worker.log());
}
