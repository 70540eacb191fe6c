// Runs the browser tests, one file after the other.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdir } from "node:fs/promises";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";

const HERE = dirname(fileURLToPath(import.meta.url));
const files = (await readdir(HERE)).filter((file) => file.endsWith(".test.mjs")).sort();
const child = spawn(process.execPath, ["--test", "--test-concurrency=1", "--test-force-exit",
  "--test-reporter=spec", ...files], { cwd: HERE, stdio: ["ignore", "pipe", "inherit"] });
let output = "";
child.stdout.on("data", (text) => {
  output += text;
  process.stdout.write(text);
});
const [code] = await once(child, "close");
const count = (name) => Number(output.match(new RegExp(`^ℹ ${name} (\\d+)`, "m"))?.[1] ?? 0);
const failed = count("fail") + count("cancelled");
console.log(`\n${count("pass")} passed, ${failed} failed`);
process.exitCode = code === 0 && count("pass") > 0 ? 0 : 1;
