// Appends while there is no connection, or while answers get lost, against the real gateway.

import assert from "node:assert/strict";
import { test } from "node:test";
import { webStorage } from "../../dist/client/index.js";
import { client, gateway, newSession, textOf, untilTurns, words } from "./lib.mjs";
import { relay } from "./relay.mjs";

const gw = await gateway();

for (const transports of [["sse"], ["websocket"], ["websocket", "sse"]]) {
  test(`what is said while offline arrives later, in order (${transports})`, async () => {
    const way = await relay(gw.port);
    const { name } = await newSession(gw, "demo");
    const session = client({ ...gw, url: way.url }, { transports }).session(name);
    way.refuse(true);
    // A cursor: without one, a read that begins late begins with the latest turn.
    const reading = untilTurns(session.subscribe({ after: 0 }), 3);
    const sent = [3, 4, 5].map((n) => session.send(`/words ${n}`));
    assert.equal(new Set(sent.map(({ partId }) => partId)).size, 3);
    await until(() => way.accepted >= 2);
    way.refuse(false);
    const seqs = (await Promise.all(sent)).map(({ seq }) => seq);
    assert.deepEqual(seqs, [0, 1, 2]);
    assert.equal(textOf(await reading), words(3) + words(4) + words(5));
    assert.deepEqual((await inputs(name)).map(({ id }) => id), sent.map(({ partId }) => partId));
  });
}

test("an append whose answer is lost is written once", async () => {
  let answers = 0;
  // Enough for the request to arrive, not for its answer.
  const way = await relay(gw.port, () => ((answers += 1) <= 3 ? 40 : Infinity));
  const { name } = await newSession(gw, "demo");
  const session = client({ ...gw, url: way.url }, { transports: ["sse"] }).session(name);
  const sent = session.send("/words 3", { partId: "mine" });
  assert.equal((await sent).seq, 0);
  assert.ok(way.accepted > 3);
  assert.deepEqual((await inputs(name)).map(({ id }) => id), ["mine"]);
});

test("what a page left behind is sent by the next one", async () => {
  const kept = new Map();
  const storage = webStorage({ getItem: (key) => kept.get(key) ?? null,
    setItem: (key, value) => kept.set(key, value), removeItem: (key) => kept.delete(key) });
  const way = await relay(gw.port);
  way.refuse(true);
  const { name } = await newSession(gw, "demo");
  const first = client({ ...gw, url: way.url }, { transports: ["sse"], outbox: { storage } });
  const lost = first.session(name).send("/words 6", { partId: "left-behind" });
  const rejected = assert.rejects(lost, { code: "client_closed" });
  first.close();
  await rejected;

  const restored = new Promise((resolve) => {
    const onRestored = (entry, outcome) => resolve([entry.partId, outcome]);
    const next = client(gw, { transports: ["sse"], outbox: { storage, onRestored } });
    next.session(name);
  });
  assert.deepEqual(await restored, ["left-behind", { seq: 0 }]);
  assert.deepEqual((await inputs(name)).map(({ id }) => id), ["left-behind"]);
  assert.equal(kept.size, 0);
});

test("one that is refused does not hold up those behind it", async () => {
  const { name } = await newSession(gw, "demo");
  const limits = { entries: 3, bytes: 5e6 };
  const session = client(gw, { transports: ["sse"], outbox: { limits } }).session(name);
  const large = session.append("x".repeat(1_100_000));
  const small = session.append("small");
  const third = session.append("third");
  await assert.rejects(session.append("one too many"), { code: "outbox_full", entries: 3 });
  await assert.rejects(large, { code: "body_too_large", status: 413 });
  assert.deepEqual([(await small).seq, (await third).seq], [0, 1]);
});

async function inputs(name) {
  const records = [];
  const session = client(gw, { transports: ["sse"] }).session(name);
  for await (const record of session.records({ channel: "in" })) records.push(record);
  return records;
}

async function until(holds) {
  while (!holds()) await new Promise((later) => setTimeout(later, 5));
}
