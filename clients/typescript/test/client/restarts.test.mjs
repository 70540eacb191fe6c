// The gateway drains and comes back in the middle of an answer; records go by retention.

import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { bare, canonical, client, freePort, launch, newSession, recordsOf, textOf,
  untilTurns, words } from "./lib.mjs";

for (const transports of [["sse"], ["websocket"], ["websocket", "sse"]]) {
  test(`a restart in mid-answer loses nothing (${transports})`, async () => {
    const { options, data } = await place();
    after(() => rm(data, { recursive: true, force: true }));
    const first = await launch(options);
    const { name } = await newSession(first);
    const session = client(first, { transports }).session(name);
    let restarted;
    const reading = untilTurns(session.subscribe(), 2, (event, events) => {
      if (restarted === undefined && textOf(events).includes("word-10 ")) {
        restarted = first.stop("SIGTERM").then(() => launch(options));
      }
    });
    await session.send("/words 120");
    await untilTurns(session.subscribe());
    const second = await restarted;
    after(() => second.stop("SIGKILL"));
    await session.send("/words 5");
    const seen = await reading;
    assert.equal(textOf(seen), words(120) + words(5));
    const seqs = seen.filter(({ seq }) => seq !== undefined).map(({ seq }) => seq);
    assert.deepEqual(seqs, seqs.map((_, index) => index));
  });
}

test("records that are gone are a typed gap, over every transport", async () => {
  const { options, data } = await place();
  after(() => rm(data, { recursive: true, force: true }));
  const first = await launch(options);
  const { name } = await newSession(first, "demo");
  const session = client(first, { transports: ["sse"] }).session(name);
  for (const n of [30, 31]) {
    const reading = untilTurns(session.subscribe({ start: "latest" }));
    await session.send(`/words ${n}`);
    assert.equal(textOf(await reading), words(n));
  }
  const log = (await canonical(first, name)).map(bare);
  await first.stop();
  // A gateway sweeps when it starts.
  const second = await launch({ ...options, config: "[retention]\nrecords = 20" });
  after(() => second.stop("SIGKILL"));
  let floor = 0;
  while (floor < 5) {
    for await (const { seqNum } of session.records({ after: 0 })) {
      floor = seqNum;
      break;
    }
  }
  for (const transport of ["sse", "websocket"]) {
    const reader = client(second, { transports: [transport] }).session(name);
    const [gap, ...rest] = (await untilTurns(reader.subscribe({ after: 3 })))
      .filter(({ type }) => type !== "state");
    assert.deepEqual(gap, { type: "gap", from: 4, to: floor, reason: "retention" }, transport);
    assert.deepEqual(recordsOf(rest), log.filter(({ seq_num }) => seq_num >= floor), transport);
  }
});

/** A gateway on disk that can be started again at the same address. */
async function place() {
  const data = await mkdtemp(join(tmpdir(), "tidegate-client-"));
  const options = { store: "disk:", data, port: await freePort(), drain: "10s" };
  return { data, options };
}
