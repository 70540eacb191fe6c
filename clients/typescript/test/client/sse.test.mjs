// The client over SSE, against the real gateway.

import assert from "node:assert/strict";
import { test } from "node:test";
import { TidegateError } from "../../dist/client/index.js";
import { bare, canonical, client, gateway, newSession, recordsOf, runSeed, seeded, textOf,
  untilTurns, words } from "./lib.mjs";
import { cuts, relay } from "./relay.mjs";

const gw = await gateway();
const transports = ["sse"];

test("a turn arrives whole, record for record", async () => {
  const { name } = await newSession(gw);
  const session = client(gw, { transports }).session(name);
  const events = untilTurns(session.subscribe());
  const { seq } = await session.send("/words 20");
  const seen = await events;
  assert.equal(textOf(seen), words(20));
  assert.equal(seen.at(-1).answered, seq);
  assert.deepEqual(recordsOf(seen), (await canonical(gw, name)).map(bare));
});

test("cuts at random bytes lose and repeat nothing", async (t) => {
  const random = seeded(runSeed(t));
  const way = await relay(gw.port, cuts(random, 2000));
  const { name } = await newSession(gw);
  const session = client({ ...gw, url: way.url }, { transports }).session(name);
  const reading = untilTurns(session.subscribe());
  await session.send("/words 200");
  const seen = await reading;
  assert.ok(way.accepted > 2, `${way.accepted} connections`);
  assert.equal(textOf(seen), words(200));
  assert.deepEqual(recordsOf(seen), (await canonical(gw, name)).map(bare));
});

test("every cursor resumes to the same log", async () => {
  const { name } = await newSession(gw, "demo");
  const session = client(gw, { transports }).session(name);
  await session.send("/words 8");
  const log = (await canonical(gw, name)).map(bare);
  for (let k = -1; k < log.length - 1; k += 1) {
    const options = k < 0 ? {} : { after: log[k].seq_num };
    const rest = await untilTurns(session.subscribe(options));
    assert.deepEqual([...log.slice(0, k + 1), ...recordsOf(rest)], log, `cursor ${k}`);
  }
});

test("watching goes on over turns; a stop ends the turn that runs", async () => {
  const { name } = await newSession(gw);
  const one = client(gw, { transports }).session(name);
  const other = client(gw, { transports }).session(name);
  let told = false;
  const watching = untilTurns(other.subscribe(), 2, (event, events) => {
    if (!told && textOf(events).includes("word-3 ")) {
      told = true;
      void one.stop();
    }
  });
  await one.send("/words 5000");
  await watchFor(one, 1);
  await one.send("/words 3");
  const seen = await watching;
  const [stopped] = seen.filter(({ type }) => type === "turn-complete");
  const before = seen.slice(0, seen.indexOf(stopped));
  assert.ok(textOf(before).length < words(5000).length);
  assert.equal(textOf(seen.slice(seen.indexOf(stopped))), words(3));
});

test("what can't succeed ends with a typed error", async () => {
  const refused = client(gw, { transports, token: "nonsense" }).session("x");
  await assert.rejects(untilTurns(refused.subscribe()),
    (error) => error instanceof TidegateError && error.code === "unauthenticated");
  await assert.rejects(refused.send("hi"), { code: "unauthenticated", status: 401 });
  const missing = client(gw, { transports }).session("session_aaaaaaaaaaaaaaaaaaaaaaaa");
  await assert.rejects(untilTurns(missing.subscribe()), { code: "session_not_found", status: 404 });
  await assert.rejects(missing.send("hi"), { code: "session_not_found" });
});

test("a refused token is fetched anew, once and for all who wait", async () => {
  const { name, token } = await newSession(gw, "demo");
  const asked = [];
  const session = client(gw, { transports, token: async ({ session, refresh }) => {
    asked.push({ session, refresh });
    await new Promise((later) => setImmediate(later));
    return asked.length === 1 ? "stale" : token;
  } }).session(name);
  const reading = untilTurns(session.subscribe());
  await session.send("/words 4");
  assert.equal(textOf(await reading), words(4));
  assert.deepEqual(asked, [{ session: name, refresh: false }, { session: name, refresh: true }]);
});

test("a missing session is started, and told again", async () => {
  const name = `late-${process.pid}`;
  let started = 0;
  const made = client(gw, { transports, start: async () => {
    started += 1;
    await made.session(name).create({ agent: "demo" });
  } });
  const session = made.session(name);
  const reading = untilTurns(session.subscribe(), 2);
  await Promise.all([session.send("/words 2"), session.send("/words 3")]);
  assert.equal(textOf(await reading), words(2) + words(3));
  assert.equal(started, 1);
});

test("an aborted subscription ends quietly", async () => {
  const { name } = await newSession(gw);
  const abort = new AbortController();
  const subscription = client(gw, { transports }).session(name)
    .subscribe({ signal: abort.signal });
  const states = [];
  for await (const event of subscription) {
    states.push(event.state);
    if (event.state === "live") abort.abort();
  }
  assert.deepEqual(states, ["connecting", "live"]);
});

async function watchFor(session, turns) {
  await untilTurns(session.subscribe(), turns);
}
