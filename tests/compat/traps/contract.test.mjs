// More traps of the wire contract by their number: what the answers themselves must be.

import assert from "node:assert/strict";
import { test } from "node:test";
import { gateway } from "../harness.mjs";
import {
  ask, deltas, echo, mint, newChat, newTransport, readUntil, say, send, textOf,
} from "../lib/chats.mjs";
import { auth, configure, sessions } from "../lib/sdk.mjs";
import { boundaries, call, claims, records } from "../lib/wire.mjs";

const gw = await gateway();
configure({ baseURL: gw.url, secretKey: gw.key });

const trap = (number, name, options, body) =>
  test(`trap ${String(number).padStart(2, "0")} ${name}`, { timeout: 240_000, ...options }, body);
const path = (chat, rest = "") => `/realtime/v1/sessions/${encodeURIComponent(chat)}${rest}`;
const out = (chat, headers = {}) =>
  call(gw, path(chat, "/out"), { headers: { accept: "text/event-stream", ...headers } });
const append = (chat, json, more = {}) => call(gw, path(chat, "/in/append"), { json, ...more });
const message = (chat, text) => ({ kind: "message", payload: { chatId: chat,
  trigger: "submit-message", message: say(text) } });

/** The records of an SSE body. */
const delivered = (text) => text.split("\n").filter((line) => line.startsWith("data: {"))
  .flatMap((line) => JSON.parse(line.slice("data: ".length)).records ?? []);

/** A chat with one answered turn. */
async function answered() {
  const chat = newChat("trap");
  const made = newTransport(gw);
  await ask(made.transport, chat, "hi");
  return { chat, ...made };
}

trap(1, "every .out names version 2 and exposes that it does", {}, async () => {
  const { chat } = await answered();
  for (const headers of [{}, { "x-peek-settled": "1" }, { "last-event-id": "2" }]) {
    const answer = await out(chat, headers);
    assert.equal(answer.headers.get("x-stream-version"), "v2");
    assert.match(answer.headers.get("access-control-expose-headers"), /\*|x-stream-version/i);
    await answer.body.cancel();
  }
});

trap(5, "a turn that is silent for longer than a minute keeps its connection",
  { timeout: 150_000, skip: process.env.TIDEGATE_LONG !== "1" && "TIDEGATE_LONG=1 runs it" },
  async () => {
    const { transport, wire } = newTransport(gw);
    const text = textOf(await ask(transport, newChat(), "/wait 100000 long"));
    assert.ok(text.endsWith(echo("long")));
    assert.equal(wire.of("out").length, 1, "a keep-alive record holds the stall timer");
  });

trap(7, "headers are pairs, or absent", {}, async () => {
  const { chat } = await answered();
  const some = delivered(await (await out(chat, { "x-peek-settled": "1" })).text());
  assert.ok(some.length > 5);
  for (const { headers } of some) {
    for (const pair of headers ?? []) assert.equal(pair.length, 2);
    assert.ok(headers === undefined || headers === null || Array.isArray(headers));
  }
});

trap(8, "append's seq and the boundary's input count the same records", {}, async () => {
  const { chat } = await answered();
  for (const text of ["a", "b", "c"]) {
    const { seq } = await (await append(chat, message(chat, text))).json();
    const covered = async () => (await boundaries(gw, chat)).some(({ input }) => input === seq);
    while (!(await covered())) await new Promise((done) => setTimeout(done, 10));
  }
  const inputs = (await boundaries(gw, chat)).map(({ input }) => input);
  assert.deepEqual(inputs, [0, 1, 2, 3]);
});

trap(12, "only a peek at a settled session says settled", {}, async () => {
  const { chat, transport } = await answered();
  const plain = await out(chat);
  assert.equal(plain.headers.get("x-session-settled"), null);
  await plain.body.cancel();
  const peek = await out(chat, { "x-peek-settled": "1" });
  assert.equal(peek.headers.get("x-session-settled"), "true");
  await peek.text();
  const stream = await send(transport, chat, "/words 300 20");
  const { reader } = await readUntil(stream, (read) => deltas(read) >= 2);
  const running = await out(chat, { "x-peek-settled": "1" });
  assert.equal(running.headers.get("x-session-settled"), null);
  await Promise.all([running.body.cancel(), reader.cancel()]);
});

trap(14, "every cursor is honoured exactly", {}, async () => {
  const { chat } = await answered();
  const log = await records(gw, chat);
  for (const { seqNum } of log) {
    const answer = await out(chat, { "x-peek-settled": "1", "last-event-id": String(seqNum) });
    const seqs = delivered(await answer.text()).map((record) => record.seq_num);
    const wanted = log.map((record) => record.seqNum).filter((seq) => seq > seqNum);
    assert.deepEqual(seqs, wanted, `after ${seqNum}`);
  }
});

trap(16, "an append to a closed session is 409 with its code", {}, async () => {
  const { chat } = await answered();
  await sessions.close(chat, { reason: "over" });
  const answer = await append(chat, message(chat, "x"));
  assert.equal(answer.status, 409);
  assert.equal(answer.headers.get("x-should-retry"), "false");
  const { ok, code, closedReason } = await answer.json();
  assert.deepEqual([ok, code, closedReason], [false, "session_closed", "over"]);
});

trap(18, "create answers every key of the strict schema", {}, async () => {
  const make = (more) => sessions.start({ type: "anything goes", taskIdentifier: "demo",
    triggerConfig: { basePayload: {} }, ...more });
  for (const more of [{}, { metadata: {} }, { tags: [] }, { externalId: newChat() }]) {
    const made = await make(more);
    assert.equal(typeof made.runId, "string");
    assert.equal(typeof made.publicAccessToken, "string");
  }
});

trap(24, "a create of several megabytes is taken", {}, async () => {
  const made = await sessions.start({ type: "chat.agent", taskIdentifier: "demo",
    externalId: newChat(), triggerConfig: { basePayload: { headStartMessages:
      Array.from({ length: 40 }, () => say("m".repeat(100_000))) } } });
  assert.ok(made.id);
});

trap(26, "tokens of both minting modes carry the constants; others are refused", {}, async () => {
  const chat = newChat();
  for (const secretKey of [gw.key, gw.rootKey]) {
    await auth.withAuth({ baseURL: gw.url, secretKey }, async () => {
      const token = await mint(chat);
      const { iss, aud, pub, sub } = claims(token);
      assert.deepEqual([iss, aud], ["https://id.trigger.dev", "https://api.trigger.dev"]);
      assert.ok(pub === true && sub);
      const answer = await call(gw, path(chat, "/out"), { bearer: token });
      assert.equal(answer.status, 200);
      await answer.body.cancel();
      const [head, body, signature] = token.split(".");
      const forged = { ...JSON.parse(Buffer.from(body, "base64url")), sub: "elsewhere" };
      const other = Buffer.from(JSON.stringify(forged)).toString("base64url");
      const bearer = `${head}.${other}.${signature}`;
      const refused = await call(gw, path(chat, "/out"), { bearer });
      assert.equal(refused.status, 401);
    });
  }
});

trap(28, "errors carry CORS headers, preflights need no credential", {}, async () => {
  const origin = "https://app.example";
  const answers = [
    await call(gw, path("x", "/out"), { bearer: null, headers: { origin } }),
    await call(gw, path("nobody", "/in/append"), { json: {}, headers: { origin } }),
    await call(gw, path("x", "/out"), { headers: { origin, "timeout-seconds": "9999" } }),
    await call(gw, path("x", "/in/append"), { bearer: null, method: "OPTIONS", headers: { origin,
      "access-control-request-method": "POST", "access-control-request-headers": "x-mine" } }),
  ];
  for (const answer of answers) {
    assert.ok(["*", origin].includes(answer.headers.get("access-control-allow-origin")));
  }
  assert.deepEqual(answers.slice(0, 3).map(({ status }) => status), [401, 404, 400]);
  assert.ok(answers[3].ok);
  assert.match(answers[3].headers.get("access-control-allow-headers"), /x-mine/i);
});

trap(31, "the data of a record is the chunk, not its text", {}, async () => {
  const { chat } = await answered();
  for (const { data } of await records(gw, chat)) {
    if (data !== null) assert.equal(typeof data.type, "string");
  }
});

trap(33, ".out is never 204", {}, async () => {
  const fresh = newChat();
  const { chat } = await answered();
  for (const name of [fresh, chat]) {
    const answer = await out(name, { "x-peek-settled": "1", "last-event-id": "9999",
      "timeout-seconds": "1" });
    assert.equal(answer.status, 200);
    await answer.text();
  }
});
