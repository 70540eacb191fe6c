// Runs the browser tests, one file after the other. Arguments: parts of the names of files to run.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdir } from "node:fs/promises";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";

const HERE = dirname(fileURLToPath(import.meta.url));
const wanted = process.argv.slice(2);
const files = (await readdir(HERE)).filter((file) => file.endsWith(".test.mjs") &&
  (wanted.length === 0 || wanted.some((part) => file.includes(part)))).sort();
const child = spawn(process.execPath, ["--test", "--test-concurrency=2", "--test-force-exit",
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
