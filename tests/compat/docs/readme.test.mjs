// The curl walk-through of the README, run as printed.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { test } from "node:test";
import { once } from "node:events";

const HERE = dirname(fileURLToPath(import.meta.url));
const README = resolve(HERE, "../../../README.md");
const BINARY = process.env.TIDEGATE_BIN ?? resolve(HERE, "../../../target/debug/tidegate");
const MARKER = "<!-- walkthrough -->";

test("the README's curl walk-through works as printed", { timeout: 90_000 }, async () => {
  const readme = await readFile(README, "utf8").catch(() => "");
  const after = readme.split(MARKER)[1];
  assert.ok(after, `README.md has no fenced block after ${MARKER}`);
  const [, script] = after.match(/```(?:sh|bash)\n([\s\S]*?)```/) ?? [];
  assert.ok(script, "the block after the marker is not fenced as sh or bash");
  const folder = await mkdtemp(join(tmpdir(), "tidegate-readme-"));
  // A group of its own, so that what the walk-through starts in the background ends with it.
  const shell = spawn("bash", ["-euo", "pipefail", "-c", script], { cwd: folder, detached: true,
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, PATH: `${dirname(BINARY)}:${process.env.PATH}` } });
  let output = "";
  for (const stream of [shell.stdout, shell.stderr]) stream.on("data", (text) => (output += text));
  const [code] = await once(shell, "exit");
  try {
    process.kill(-shell.pid, "SIGTERM");
  } catch (error) {
    assert.equal(error.code, "ESRCH");
  }
  await rm(folder, { recursive: true, force: true });
  assert.equal(code, 0, output);
  assert.match(output, /turn-complete/, output);
});
