// The SDK's types work with those of `ai` and zod, in a strict project.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { agentFile, project } from "./lib/example.mjs";
import { ROOT } from "./lib/workers.mjs";

const TSC = join(ROOT, "clients/typescript/node_modules/.bin/tsc");
const options = { target: "ES2022", module: "NodeNext", strict: true, noEmit: true, types: [],
  lib: ["ES2023", "DOM"], skipLibCheck: true };
const check = (cwd) => spawnSync(TSC, ["-p", cwd], { encoding: "utf8" });
const config = JSON.stringify({ compilerOptions: options, files: ["usage.ts"] });

test("an agent with streamText, a sub-agent and actions", async () => {
  const usage = agentFile("usage.ts");
  const { status, stdout } = check(await project({ "tsconfig.json": config, "usage.ts": usage }));
  assert.equal(status, 0, stdout);
});

test("a wrong answer does not type-check", async () => {
  const wrong = `import { agent } from "tidegate/agent";\nagent({ id: "a", run: () => 7 });\n`;
  const { status, stdout } = check(await project({ "tsconfig.json": config, "usage.ts": wrong }));
  assert.notEqual(status, 0);
  assert.match(stdout, /number/);
});
