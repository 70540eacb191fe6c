// The curl walk-through of the README, run as printed.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { test } from "node:test";
import { once } from "node:events";
import { connect } from "node:net";

const HERE = dirname(fileURLToPath(import.meta.url));
const README = resolve(HERE, "../../../README.md");
const BINARY = process.env.TIDEGATE_BIN ?? resolve(HERE, "../../../target/debug/tidegate");
const MARKER = "<!-- walkthrough -->";

/** The walk-through uses the default port, so nobody else may. */
async function portIsFree(port) {
  for (let attempt = 0; attempt < 60; attempt += 1) {
    const busy = await new Promise((done) => {
      const socket = connect(port, "127.0.0.1", () => done(true));
      socket.on("error", () => done(false)).on("close", () => socket.destroy());
      socket.unref();
    });
    if (!busy) return;
    await new Promise((done) => setTimeout(done, 1_000));
  }
  throw new Error(`port ${port} is in use: stop what listens there`);
}

/** Ends what the walk-through left in the background, and waits for it. */
async function groupEnds(pid) {
  for (let signal = "SIGTERM"; ; signal = 0) {
    try {
      process.kill(-pid, signal);
    } catch (error) {
      assert.equal(error.code, "ESRCH");
      return;
    }
    await new Promise((done) => setTimeout(done, 100));
  }
}

test("the README's curl walk-through works as printed", { timeout: 300_000 }, async () => {
  const readme = await readFile(README, "utf8").catch(() => "");
  const after = readme.split(MARKER)[1];
  assert.ok(after, `README.md has no fenced block after ${MARKER}`);
  const [, script] = after.match(/```(?:sh|bash)\n([\s\S]*?)```/) ?? [];
  assert.ok(script, "the block after the marker is not fenced as sh or bash");
  await portIsFree(8787);
  const folder = await mkdtemp(join(tmpdir(), "tidegate-readme-"));
  await mkdir(join(folder, "bin"));
  await symlink(BINARY, join(folder, "bin", "tidegate"));
  // A group of its own, so that what the walk-through starts in the background ends with it.
  const shell = spawn("bash", ["-euo", "pipefail", "-c", script], { cwd: folder, detached: true,
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, PATH: `${join(folder, "bin")}:${process.env.PATH}` } });
  let output = "";
  for (const stream of [shell.stdout, shell.stderr]) stream.on("data", (text) => (output += text));
  const [code] = await once(shell, "exit");
  await groupEnds(shell.pid);
  await rm(folder, { recursive: true, force: true });
  assert.equal(code, 0, output);
  for (const wanted of [/publicAccessToken/, /"ok":true,"seq":0/, /turn-complete/, /closedAt/]) {
    assert.match(output, wanted, output);
  }
});
