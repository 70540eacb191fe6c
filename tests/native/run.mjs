// Builds the agent SDKs and runs their tests and those of this folder.
// TIDEGATE_SKIP_INSTALL=1 takes them as they are. Arguments (`cut.test.mjs`) run only those files,
// with what was built before.

import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const HERE = dirname(fileURLToPath(import.meta.url));
const ROOT = resolve(HERE, "../..");
const TYPESCRIPT = join(ROOT, "clients/typescript");
const PYTHON = join(ROOT, "clients/python");
const VENV = join(PYTHON, ".venv");

// Some files alone are run again, of what is built.
const wanted = process.argv.slice(2);
if (wanted.length === 0) build();

let passed = 0;
let failed = 0;
if (wanted.length === 0) {
  const pytest = run(join(VENV, "bin/python"), ["-m", "pytest", "-q"], PYTHON);
  count(pytest, /(\d+) passed/, /(\d+) (?:failed|error)/);
}
const files = readdirSync(HERE).filter((file) => file.endsWith(".test.mjs"))
  .filter((file) => wanted.length === 0 || wanted.includes(file))
  .map((file) => join(HERE, file));
if (files.length === 0) throw new Error(`no file is called ${wanted}`);
const node = run(process.execPath, ["--test", "--test-concurrency=1", "--test-force-exit",
  "--test-reporter=spec", ...files], HERE);
count(node, /^ℹ pass (\d+)$/m, /^ℹ fail (\d+)$/m);

console.log(`\n${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 && passed > 0 ? 0 : 1;

function build() {
  if (process.env.TIDEGATE_SKIP_INSTALL !== "1") {
    needed("npm", ["ci", "--no-audit", "--no-fund"], TYPESCRIPT);
    needed("python3", ["-m", "venv", VENV], PYTHON);
    needed(join(VENV, "bin/pip"), ["install", "--quiet", "--editable", ".[test]"], PYTHON);
  }
  needed("npm", ["run", "--silent", "build"], TYPESCRIPT);
  needed("cargo", ["build", "--package", "tidegate-client", "--example", "suite"], ROOT);
}

/** A command without which nothing else makes sense. */
function needed(command, args, cwd) {
  const { status, error } = spawnSync(command, args, { cwd, stdio: "inherit" });
  if (status !== 0) throw new Error(`${command} ${args.join(" ")} failed: ${error ?? status}`);
}

function run(command, args, cwd) {
  const { status, stdout } = spawnSync(command, args,
    { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "inherit"], maxBuffer: 1 << 28 });
  console.log(stdout);
  return { status, stdout };
}

/** Adds the numbers of a run up. One that failed without a number counts as one failure. */
function count({ status, stdout }, passes, fails) {
  const failures = Number(stdout.match(fails)?.[1] ?? 0);
  passed += Number(stdout.match(passes)?.[1] ?? 0);
  failed += failures === 0 && status !== 0 ? 1 : failures;
}
