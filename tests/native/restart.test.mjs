// The gateway is killed and started again: workers come back by themselves.

import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { launch } from "../compat/harness.mjs";
import { records, settled } from "../compat/lib/wire.mjs";
import { chat, textOf } from "./lib/chat.mjs";
import { SUITE_AGENTS, start } from "./lib/workers.mjs";

for (const [language, { agent, command }] of Object.entries(SUITE_AGENTS)) {
  test(`the gateway is killed in the middle of an answer of ${language}`, async () => {
    const data = await mkdtemp(join(tmpdir(), "tidegate-native-"));
    after(() => rm(data, { recursive: true, force: true }));
    const first = await launch({ store: "disk:", data });
    const worker = start(first, command);
    const [cut, other] = [await chat(first, agent), await chat(first, agent)];
    await other.settled(await other.say("say hello"));
    await cut.say("count 100000");
    await cut.shows(" 20 ");
    await first.stop("SIGKILL");

    const second = await launch({ store: "disk:", data, port: first.port });
    await settled(second, cut.id, 1);
    const out = await records(second, cut.id);
    assert.ok(out.some(({ data: chunk }) => chunk?.type === "error"), "the user is told");
    const numbers = textOf(out).trim().split(" ");
    const expected = numbers.map((_, index) => String(index + Number(numbers[0])));
    assert.deepEqual(numbers, expected, "nothing is lost or repeated");
    await other.say("history");
    await settled(second, other.id, 2);
    assert.deepEqual((await other.transcript()).map(({ parts }) => parts.at(-1).text),
      ["say hello", "hello", "history", "3: say hello | history"]);

    worker.kill("SIGTERM");
    assert.deepEqual(await worker.ended, { code: 0, signal: null }, worker.log());
    await second.stop();
  });
}
