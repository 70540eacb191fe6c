// The gateway drains and comes back in the middle of an answer; records go by retention.

import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { bare, canonical, client, freePort, gateway, launch, newSession, recordsOf, textOf,
  untilTurns, words } from "./lib.mjs";

for (const transports of [["sse"], ["websocket"], ["websocket", "sse"]]) {
  test(`a restart in mid-answer loses nothing (${transports})`, async () => {
    const data = await mkdtemp(join(tmpdir(), "tidegate-client-"));
    after(() => rm(data, { recursive: true, force: true }));
    const port = await freePort();
    const options = { store: "disk:", data, port, drain: "10s" };
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

for (const transports of [["sse"], ["websocket"]]) {
  test(`records that are gone are a typed gap (${transports})`, async () => {
    const gw = await gateway({ config: "[retention]\nrecords = 20" });
    const { name } = await newSession(gw, "demo");
    const session = client(gw, { transports }).session(name);
    for (const n of [30, 31]) {
      const reading = untilTurns(session.subscribe({ start: "latest" }));
      await session.send(`/words ${n}`);
      await reading;
    }
    const log = (await canonical(gw, name)).map(bare);
    const [gap, ...rest] = (await untilTurns(session.subscribe({ after: 3 })))
      .filter(({ type }) => type !== "state");
    const floor = rest[0].seq;
    assert.deepEqual(gap, { type: "gap", from: 4, to: floor, reason: "retention" });
    assert.deepEqual(recordsOf(rest), log.filter(({ seq_num }) => seq_num >= floor));
  });
}
