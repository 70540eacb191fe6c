// One isolate: what it is given, how it ends, and that its end is its own.

import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { boot, emptySessions, fixture, isolates, scratch } from "../support/isolates.mjs";

process.env.TIDEGATE_KEY = "the-host's-key";
const isolate = await isolates("behaviours.ts");
const url = await emptySessions();
const noted = (folder, name) => JSON.parse(readFileSync(join(folder, `${name}.json`), "utf8"));

async function ending(what, { memory, act } = {}) {
  const folder = scratch();
  const subject = isolate(memory);
  await subject.loaded;
  const said = boot(subject, url, what, folder);
  await act?.(subject, said);
  return { error: await subject.ended, said, folder };
}

test("a run has its context, its own token and its workspace, and not the host's key", async () => {
  const { error, said, folder } = await ending("context");
  assert.equal(error, undefined);
  assert.deepEqual(said, ["ready"]);
  assert.deepEqual(noted(folder, "context"), {
    run: "run_1", tags: ["chat:c1"], task: "behaviours", attempt: 2, version: "7", chat: "c1",
    key: "the-run-token", host: null, here: `file://${fixture("behaviours.ts")}`,
  });
  assert.equal(noted(folder, "onComplete"), true);
  assert.ok(!existsSync(join(folder, "onStart.json")), "onStart is of the first attempt");
});

test("a run that throws has failed, and its onFailure hook was told", async () => {
  const { error, folder } = await ending("throw");
  assert.deepEqual(error, { class: "failed", message: "Error: on purpose" });
  assert.equal(noted(folder, "onFailure"), "on purpose");
});

test("running out of memory is a class of its own, whoever notices it", async () => {
  assert.equal((await ending("manual-oom")).error.class, "oom");
  assert.equal((await ending("oom", { memory: 64 })).error.class, "oom");
});

test("an uncaught error and process.exit crash the isolate, and no other", async () => {
  const other = isolate();
  const folder = scratch();
  await other.loaded;
  boot(other, url, "until-cancelled", folder);
  const { error } = await ending("uncaught");
  assert.equal(error.class, "crashed");
  assert.match(error.message, /nobody catches this/);
  assert.match(error.message, /behaviours\.ts:\d+:\d+/, "the stack names the agent's file");
  const left = (await ending("exit")).error;
  assert.deepEqual(left, { class: "crashed", message: "the isolate exited with 3" });
  assert.equal(other.gone, false);
  other.cancel("cancelled");
  assert.equal(await other.ended, undefined);
});

test("a cancelled run ends cleanly; one that hangs can be ended all the same", async () => {
  const cancel = (subject) => subject.cancel("cancelled");
  assert.equal((await ending("until-cancelled", { act: cancel })).error, undefined);
  const { error } = await ending("hang", { act: (subject) => subject.terminate() });
  assert.equal(error.class, "crashed");
});

test("what needs a task engine fails with a message that names the call", async () => {
  const waited = (await ending("wait")).error;
  assert.match(waited.message, /wait\.for\(\).*Tidegate has none/);
  const triggered = (await ending("trigger")).error;
  assert.match(triggered.message, /triggerAndWait\(\).*Tidegate has none/);
});

test("two runs share nothing", async () => {
  await ending("leak");
  const { folder } = await ending("default");
  assert.equal(noted(folder, "default"), null);
});
