// What agent files may be, and what the host says when they are not.

import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { findSdk } from "../../dist/host/bundle/sdk.js";
import { handoverOf } from "../../dist/host/bundle/ai.js";
import { chosen, offer } from "../../dist/host/host.js";
import { parseOptions } from "../../dist/host/options.js";
import { folderName, workspace } from "../../dist/host/workspace.js";
import { longestParked } from "../../dist/host/memory.js";
import { fixture, isolates, scratch } from "../support/isolates.mjs";

const fails = (code, message) => ({ name: "HostError", code, message });

test("chat agents are served; a task beside them gets a warning", async () => {
  const isolate = (await isolates("behaviours.ts"))();
  const warnings = [];
  const agents = chosen(await isolate.loaded, (line) => warnings.push(line));
  assert.deepEqual(agents.map(({ id }) => id), ["behaviours"]);
  const { handover, ...offered } = offer(agents[0], "2");
  assert.deepEqual(offered, { id: "behaviours", version: "2", mode: "http" });
  assert.equal(handover, "text", "what the `ai` of this repository lets it take over");
  assert.match(warnings.join(), /plain-task .* is a task, not a chat agent/);
});

test("files without agents, with one id twice, or that throw are refused", async () => {
  const only = (await isolates("only-task.ts"))();
  const loaded = await only.loaded;
  assert.throws(() => chosen(loaded, () => {}), fails("no_agents", /define no chat\.agent/));
  const twice = (await isolates("twice.ts"))();
  const both = await twice.loaded;
  assert.throws(() => chosen(both, () => {}), fails("duplicate_agent", /same/));
  const throws = (await isolates("throws-at-import.ts"))();
  await assert.rejects(throws.loaded, fails("load_failed", /this file can't be loaded/));
  await throws.ended;
});

test("the SDK is that of the file's own project, and there is one", () => {
  const elsewhere = scratch();
  const alone = join(elsewhere, "agent.ts");
  assert.throws(() => findSdk([alone]), fails("file_not_found", /no such file/));
  writeFileSync(alone, "");
  assert.throws(() => findSdk([alone]), fails("missing_sdk", /has no @trigger\.dev\/sdk/));
  const copy = join(elsewhere, "node_modules/@trigger.dev/sdk");
  mkdirSync(copy, { recursive: true });
  const manifest = { name: "@trigger.dev/sdk", version: "4.9.9", main: "index.js" };
  writeFileSync(join(copy, "package.json"), JSON.stringify(manifest));
  writeFileSync(join(copy, "index.js"), "");
  assert.equal(findSdk([alone]).version, "4.9.9");
  const both = [alone, fixture("twice.ts")];
  assert.throws(() => findSdk(both), fails("mixed_sdks", /different copies/));
});

test("what a file's agents take over of a head start depends on its own `ai`", () => {
  const project = scratch();
  const file = join(project, "agent.ts");
  writeFileSync(file, "");
  assert.equal(handoverOf(file), undefined);
  const ai = join(project, "node_modules/ai");
  mkdirSync(ai, { recursive: true });
  for (const [version, takes] of [["4.3.19", undefined], ["5.0.277", "calls"], ["6.0.0", "calls"],
    ["6.0.201", "calls"], ["6.0.202", "text"], ["6.0.325", "text"], ["6.1.0", "text"],
    ["7.0.0-beta.3", "text"], ["10.0.0", "text"], [7, undefined], ["next", undefined]]) {
    // Newer ones are modules only.
    const exported = { "./package.json": "./package.json", ".": { import: "./index.js" } };
    writeFileSync(join(ai, "package.json"),
      JSON.stringify({ name: "ai", version, exports: exported }));
    assert.equal(handoverOf(file), takes, String(version));
  }
});

test("the command line: flags and the environment, one message for each mistake", () => {
  const given = parseOptions(["--url", "http://h:1/", "--capacity", "9", "a.ts", "a.ts"],
    { TIDEGATE_KEY: "k" });
  assert.deepEqual([given.url, given.key, given.capacity, given.version, given.files.length],
    ["http://h:1", "k", 9, "1", 1]);
  const refused = (argv, message) =>
    assert.throws(() => parseOptions(argv, {}), fails("usage", message));
  refused(["a.ts"], /--url is missing/);
  refused(["--url", "http://h", "a.ts"], /--key is missing/);
  refused(["--url", "http://h", "--key", "k"], /at least one agent file/);
  const all = ["--url", "http://h", "--key", "k", "a.ts"];
  refused([...all, "--capacity", "0"], /--capacity is a whole number from 1/);
  refused([...all, "--agent-version", "ü"], /printable ASCII/);
  refused([...all, "--nonsense"], /nonsense/);
});

test("a workspace is one folder below the root, whatever the session is called", async () => {
  const root = scratch();
  for (const name of ["session_1", "../../etc", "a/b", "", ".", "..", "ü", "x".repeat(300)]) {
    const path = await workspace(root, name);
    assert.equal(join(path, ".."), root, name);
    assert.equal(await workspace(root, name), path);
  }
  assert.equal(folderName("session_1"), "session_1");
  assert.notEqual(folderName("a/b"), folderName("a_b"));
  assert.notEqual(folderName("a/b"), folderName("a:b"));
});

test("under pressure the longest parked goes first, and nobody who works", () => {
  const runs = [{ parkedAt: undefined }, { parkedAt: 5 }, { parkedAt: 3 }, { parkedAt: 9 }];
  assert.equal(longestParked(runs), runs[2]);
  assert.equal(longestParked([runs[0]]), undefined);
});
