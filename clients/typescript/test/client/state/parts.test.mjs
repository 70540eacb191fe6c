// The small machines: tokens, back-off, selection, events, the router of turns.

import assert from "node:assert/strict";
import { test } from "node:test";
import { refusal } from "../../../dist/client/errors.js";
import { TurnRouter } from "../../../dist/client/chat/router.js";
import { PendingInputs } from "../../../dist/client/chat/inputs.js";
import { Backoff } from "../../../dist/client/state/backoff.js";
import { Selector } from "../../../dist/client/state/selector.js";
import { TokenState, expiryOf } from "../../../dist/client/state/token.js";
import { EventStream } from "../../../dist/client/transports/event-stream.js";
import { runSeed, seeded } from "../lib.mjs";

const jwt = (claims) => `x.${Buffer.from(JSON.stringify(claims)).toString("base64url")}.y`;

test("back-off is full jitter under a ceiling that doubles, and forgets", (t) => {
  const random = seeded(runSeed(t));
  const backoff = new Backoff(random, { firstMs: 100, maxMs: 1500 });
  for (let round = 0; round < 50; round += 1) {
    for (const ceiling of [100, 200, 400, 800, 1500, 1500]) assert.ok(backoff.next() <= ceiling);
    backoff.reset();
  }
  const highest = new Backoff(() => 1, { firstMs: 100, maxMs: 1500 });
  assert.deepEqual([1, 2, 3, 4, 5, 6].map(() => highest.next()), [100, 200, 400, 800, 1500, 1500]);
});

test("an answer without a code means what its status means", async () => {
  const of = async (status, body = "<html>") => (await refusal(new Response(body, { status }))).code;
  assert.equal(await of(503), "overloaded");
  assert.equal(await of(401, ""), "unauthenticated");
  assert.equal(await of(502), "internal");
  assert.equal(await of(418), "unprocessable");
  assert.equal(await of(503, JSON.stringify({ code: "a_new_one" })), "a_new_one");
});

test("a token is used until shortly before its end, and never again once refused", () => {
  const state = new TokenState();
  assert.equal(state.current(0), undefined);
  const token = jwt({ exp: 1000 });
  state.take(token, 0);
  assert.equal(state.current(900_000), token);
  assert.equal(state.current(970_001), undefined, "it is fetched anew before its end");
  assert.equal(state.lastResort(970_001), token);
  assert.equal(state.lastResort(1_000_000), undefined);
  assert.equal(state.refused("another"), true, "there is a newer one than the one refused");
  assert.equal(state.refused(token), false);
  state.take(token, 0);
  assert.equal(state.current(0), undefined, "a refused one does not come back");
  assert.equal(expiryOf("tr_dev_sk_0123456789abcdefghijABCD"), Infinity);
  assert.equal(expiryOf("a.b.c"), Infinity);
});

test("the best transport that is proven is used; what failed has to wait longer each time", () => {
  const selector = new Selector(["webtransport", "websocket", "sse"]);
  assert.equal(selector.best(0), "sse");
  assert.equal(selector.candidate(0), "webtransport");
  selector.failed("webtransport", 0);
  assert.equal(selector.candidate(1), "websocket");
  selector.proven("websocket");
  assert.equal(selector.best(1), "websocket");
  assert.equal(selector.candidate(1), undefined);
  assert.equal(selector.candidate(10_000), "webtransport");
  selector.failed("websocket", 20_000);
  assert.equal(selector.best(20_000), "sse");
  assert.equal(selector.retryAt(20_000), 30_000);
  selector.failed("websocket", 30_000);
  assert.equal(selector.retryAt(30_000), 50_000);
  selector.failed("sse", 40_000);
  assert.equal(selector.best(40_000, "sse"), "webtransport");
  selector.forgive();
  assert.equal(selector.best(40_000), "sse");
});

test("server-sent events are the same however they are cut", (t) => {
  const random = seeded(runSeed(t));
  const text = "\ufeffevent: batch\r\ndata: {\"a\":\r\ndata: 1}\r\n\r\n: comment\n\nid: 3\n"
    + "event:ping\ndata:\n\ndata: ä\r\rretry: 100\n\nevent: batch\ndata: x\ry: z\n\n";
  const expected = [{ event: "batch", data: "{\"a\":\n1}" }, { event: "ping", data: "" },
    { event: "message", data: "ä" }, { event: "batch", data: "x" }];
  for (let run = 0; run < 500; run += 1) {
    const stream = new EventStream();
    const events = [];
    for (let at = 0; at < text.length;) {
      const next = at + Math.floor(random() * 8);
      events.push(...stream.push(text.slice(at, next)));
      at = next;
    }
    assert.deepEqual(events, expected);
  }
});

test("each turn goes to whoever asked; those of others wait to be joined", (t) => {
  const random = seeded(runSeed(t));
  for (let run = 0; run < 500; run += 1) routed(random);
});

/** Inputs of this page and of others, answered in order; ours are asked while others run, too. */
function routed(random) {
  let began = 0;
  const router = new TurnRouter(() => (began += 1));
  router.begin(undefined, -1);
  const inputs = Array.from({ length: 10 }, () => random() < 0.5);
  const own = new Map();
  const joined = [];
  const ask = (input) => {
    if (inputs[input] !== true || own.has(input)) return;
    own.set(input, reader());
    router.ask(input, own.get(input));
  };
  const mayJoin = () => {
    if (random() < 0.3 && router.joinable) joined.push(join(router));
  };
  let seq = 0;
  inputs.forEach((mine, input) => {
    ask(input);
    for (let n = 0; n < 3; n += 1) {
      router.chunk(seq++, input);
      if (random() < 0.3) ask(input + 1);
      mayJoin();
    }
    router.boundary(seq++, input);
    mayJoin();
  });
  while (router.joinable) joined.push(join(router));
  const turns = (mine) => inputs.flatMap((is, input) => (is === mine ? [input] : []));
  assert.deepEqual([...own.values()].map(({ chunks, ended }) => [ended, ...chunks]),
    turns(true).map((input) => [true, input, input, input]));
  assert.deepEqual(joined.map(({ chunks, ended }) => [ended, ...chunks]),
    turns(false).map((input) => [true, input, input, input]));
  assert.equal(began, joined.length);
  assert.equal(router.busy, false);
}

function join(router) {
  const one = reader();
  router.join(one);
  return one;
}

function reader() {
  const one = { chunks: [], ended: false, error: undefined,
    chunk: (chunk) => one.chunks.push(chunk),
    end: () => (one.ended = true),
    fail: (error) => (one.error = error) };
  return one;
}

test("a page that comes late joins only the turn that is still open", () => {
  const router = new TurnRouter(() => undefined);
  router.begin(undefined, 4);
  const late = reader();
  router.join(late);
  router.chunk(0, "old");
  router.boundary(1, 0);
  router.chunk(2, "a");
  router.chunk(3, "b");
  assert.deepEqual(late.chunks, []);
  router.chunk(4, "c");
  router.chunk(5, "d");
  router.boundary(6, 1);
  assert.deepEqual([late.chunks, late.ended], [["a", "b", "c", "d"], true]);
});

test("an input of a former page gets its turn, whether it is over or not", () => {
  for (const newest of [3, 1]) {
    const router = new TurnRouter(() => undefined);
    router.begin(undefined, newest);
    const own = reader();
    router.ask(7, own, true);
    router.chunk(0, "a");
    router.chunk(1, "b");
    router.chunk(2, "c");
    router.boundary(3, 7);
    assert.deepEqual([own.chunks, own.ended], [["a", "b", "c"], true], `newest ${newest}`);
    assert.equal(router.busy, false);
  }
});

test("what waits is shown until its answer begins, or a turn took it in", () => {
  const inputs = new PendingInputs();
  const message = (id) => ({ id, role: "user", parts: [] });
  inputs.say(message("a"));
  inputs.heard({ chatId: "c", seq: 5, message: message("b") });
  inputs.placed("a", 4);
  assert.deepEqual(inputs.all.map(({ seq, own }) => [seq, own]), [[4, true], [5, false]]);
  assert.equal(inputs.begins().id, "a");
  inputs.say(message("d"));
  inputs.placed("d", 6);
  assert.deepEqual(inputs.injected(["d"]).map(({ id }) => id), ["d"]);
  assert.deepEqual(inputs.answered(5).map(({ id }) => id), ["b"]);
  assert.deepEqual(inputs.all, []);
});
