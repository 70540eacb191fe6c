// Builds the package and runs its tests, or those whose path holds one of the arguments.

import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const here = fileURLToPath(new URL(".", import.meta.url));
const root = join(here, "..");
const wanted = process.argv.slice(2);

run(join(root, "node_modules/.bin/tsc"), ["-p", join(root, "tsconfig.json")]);
const files = [...readdirSync(here, { recursive: true }), ...agentTests()]
  .filter((file) => file.endsWith(".test.mjs"))
  .map((file) => join(here, file))
  .filter((file) => wanted.length === 0 || wanted.some((part) => file.includes(part)));
const { status, stdout } = spawnSync(process.execPath, ["--test", "--test-concurrency=1",
  "--test-reporter=spec", "--test-timeout=300000", ...files],
  { cwd: root, encoding: "utf8", stdio: ["ignore", "pipe", "inherit"], maxBuffer: 1 << 28 });
console.log(stdout);
const number = (name) => Number(stdout.match(new RegExp(`^ℹ ${name} (\\d+)$`, "m"))?.[1] ?? 0);
const failed = number("fail") + number("cancelled");
console.log(`${number("pass")} passed, ${failed === 0 && status !== 0 ? 1 : failed} failed`);
process.exitCode = status ?? 1;

/** The agent SDK keeps its tests beside its sources. */
function agentTests() {
  const folder = join(root, "src/agent");
  return readdirSync(folder, { recursive: true }).map((file) => join("../src/agent", file));
}

function run(command, args) {
  const { status } = spawnSync(command, args, { stdio: "inherit", cwd: root });
  if (status !== 0) process.exit(status ?? 1);
}
