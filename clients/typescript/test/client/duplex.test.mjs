// The client over WebSocket, and moving between transports, against the real gateway.

import assert from "node:assert/strict";
import { test } from "node:test";
import { bare, canonical, client, gateway, newSession, recordsOf, runSeed, seeded, textOf,
  untilTurns, words } from "./lib.mjs";
import { cuts, relay } from "./relay.mjs";

const gw = await gateway();
const TRANSPORTS = ["sse", "websocket"];

test("a turn arrives whole over WebSocket, record for record", async () => {
  const { name } = await newSession(gw);
  const session = client(gw, { transports: ["websocket"] }).session(name);
  const subscription = session.subscribe();
  const reading = untilTurns(subscription);
  await session.send("/words 20");
  const seen = await reading;
  assert.equal(textOf(seen), words(20));
  assert.deepEqual(recordsOf(seen), (await canonical(gw, name)).map(bare));
});

test("cuts at random bytes lose and repeat nothing", async (t) => {
  const random = seeded(runSeed(t));
  const way = await relay(gw.port, cuts(random, 2000));
  const { name } = await newSession(gw);
  const session = client({ ...gw, url: way.url }, { transports: ["websocket"] }).session(name);
  const reading = untilTurns(session.subscribe());
  await session.send("/words 200");
  const seen = await reading;
  assert.ok(way.accepted > 2, `${way.accepted} connections`);
  assert.equal(textOf(seen), words(200));
  assert.deepEqual(recordsOf(seen), (await canonical(gw, name)).map(bare));
});

test("many sessions are on one connection", async () => {
  const way = await relay(gw.port);
  const own = client({ ...gw, url: way.url }, { transports: ["websocket"] });
  const names = await Promise.all(Array.from({ length: 8 }, () => newSession(gw, "demo")));
  const texts = await Promise.all(names.map(async ({ name }, index) => {
    const session = own.session(name);
    let live;
    const isLive = new Promise((resolve) => (live = resolve));
    const reading = untilTurns(session.subscribe(), 1, ({ state }) => state === "live" && live());
    // Before the connection is up, appends go over HTTP.
    await isLive;
    await session.send(`/words ${index + 1}`);
    return textOf(await reading);
  }));
  assert.deepEqual(texts, names.map((_, index) => words(index + 1)));
  assert.equal(way.accepted, 1);
});

for (const from of TRANSPORTS) {
  for (const to of TRANSPORTS.filter((name) => name !== from)) {
    test(`every record: leave on ${from}, go on on ${to}`, async () => {
      const { name } = await newSession(gw, "demo");
      const first = client(gw, { transports: [from] }).session(name);
      const second = client(gw, { transports: [to] }).session(name);
      await first.send("/words 6");
      const log = (await canonical(gw, name)).map(bare);
      for (let k = 0; k < log.length - 1; k += 1) {
        const head = [];
        for await (const event of first.subscribe()) {
          if (event.record !== undefined) head.push(event);
          if (head.length === k + 1) break;
        }
        const rest = await untilTurns(second.subscribe({ after: head.at(-1).seq }));
        assert.deepEqual([...recordsOf(head), ...recordsOf(rest)], log, `after ${k}`);
      }
    });

    test(`a live answer moves from ${from} to ${to}, and back, at random records`, async (t) => {
      const random = seeded(runSeed(t));
      const { name } = await newSession(gw);
      const session = client(gw, { transports: [from, to] }).session(name);
      const subscription = session.subscribe();
      const used = new Set();
      let next = 3;
      let target = to;
      const reading = untilTurns(subscription, 1, (event) => {
        if (event.state === "live") used.add(event.transport);
        if (event.seq === undefined || event.seq < next) return;
        next = event.seq + 5 + Math.floor(random() * 20);
        session.moveTo(target);
        target = target === to ? from : to;
      });
      await session.send("/words 150");
      const seen = await reading;
      assert.deepEqual([...used].sort(), [...TRANSPORTS].sort());
      assert.equal(textOf(seen), words(150));
      assert.deepEqual(recordsOf(seen), (await canonical(gw, name)).map(bare));
    });
  }
}

test("it begins on SSE and goes up to WebSocket by itself", async () => {
  const { name } = await newSession(gw);
  const session = client(gw).session(name);
  const subscription = session.subscribe();
  const lives = [];
  const reading = untilTurns(subscription, 1, (event) => {
    if (event.state === "live") lives.push(event.transport);
  });
  await session.send("/words 30");
  assert.equal(textOf(await reading), words(30));
  assert.deepEqual(lives, ["sse", "websocket"]);
});

test("a path that holds back is left in the middle of an answer", async () => {
  const held = await relay(gw.port);
  const { name } = await newSession(gw);
  // Only the WebSocket goes through the relay.
  const { WebSocket } = await import("ws");
  class Held extends WebSocket {
    constructor(url, protocols) {
      super(url.replace(String(gw.port), new URL(held.url).port), protocols);
    }
  }
  const session = client(gw, { WebSocket: Held }).session(name);
  const subscription = session.subscribe();
  const lives = [];
  let blocked = false;
  const reading = untilTurns(subscription, 1, (event, events) => {
    if (event.state === "live") lives.push(event.transport);
    if (!blocked && subscription.transport === "websocket" && textOf(events).includes("word-40 ")) {
      blocked = true;
      held.hold();
    }
  });
  await session.send("/words 400");
  const seen = await reading;
  assert.ok(blocked);
  assert.deepEqual(lives, ["sse", "websocket", "sse"]);
  assert.equal(textOf(seen), words(400));
  assert.deepEqual(recordsOf(seen), (await canonical(gw, name)).map(bare));
});

test("a reader that takes nothing for a while still gets everything", async () => {
  const { name } = await newSession(gw, "demo");
  const session = client(gw, { transports: ["websocket"] }).session(name);
  const subscription = session.subscribe();
  await session.send("/words 20000");
  const log = (await canonical(gw, name)).map(bare);
  const seen = await untilTurns(subscription);
  assert.deepEqual(recordsOf(seen), log);
});

test("typed refusals over WebSocket, and one refresh", async () => {
  const { name, token } = await newSession(gw, "demo");
  const transports = ["websocket"];
  const refused = client(gw, { transports, token: async () => "nonsense" }).session(name);
  await assert.rejects(untilTurns(refused.subscribe()), { code: "unauthenticated" });
  let asked = 0;
  const session = client(gw, { transports, token: async () => {
    asked += 1;
    return asked === 1 ? "stale" : token;
  } }).session(name);
  const reading = untilTurns(session.subscribe());
  await session.send("/words 3");
  assert.equal(textOf(await reading), words(3));
  assert.equal(asked, 2);
});
