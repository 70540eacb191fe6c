// Rows 47–54: the helpers of a customer's server.

import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { gateway } from "../harness.mjs";
import { ask, echo, newChat, newTransport, say, textOf } from "../lib/chats.mjs";
import { row } from "../lib/row.mjs";
import {
  auth, chat as helpers, configure, defaultStorage, isOldest, sessions,
} from "../lib/sdk.mjs";
import { call, claims, settled, spying } from "../lib/wire.mjs";

const gw = await gateway();
configure({ baseURL: gw.url, secretKey: gw.key });

const append = (chat, bearer) => call(gw, `/realtime/v1/sessions/${chat}/in/append`, { bearer,
  json: { kind: "message", payload: { chatId: chat, trigger: "submit-message",
    message: say("hi") } } });
const peek = (chat, bearer) => call(gw, `/realtime/v1/sessions/${chat}/out`, { bearer,
  headers: { accept: "text/event-stream", "x-peek-settled": "1", "timeout-seconds": "1" } });

row(47, {}, async () => {
  const chat = newChat();
  const start = helpers.createStartSessionAction("demo", { triggerConfig: { tags: ["t1"] } });
  const made = await start({ chatId: chat, clientData: { userId: "u" },
    metadata: { plan: "pro" } });
  assert.match(made.sessionId, /^session_/);
  assert.ok(made.runId);
  const { scopes, iss, aud, pub } = claims(made.publicAccessToken);
  assert.deepEqual([iss, aud, pub], ["https://id.trigger.dev", "https://api.trigger.dev", true]);
  assert.ok(scopes.includes(`write:sessions:${chat}`));
  const again = await start({ chatId: chat });
  assert.equal(again.sessionId, made.sessionId);
  assert.equal((await append(chat, again.publicAccessToken)).status, 200);
  assert.deepEqual((await sessions.retrieve(chat)).metadata, { plan: "pro" });
});

row(48, {}, async () => {
  const chat = newChat();
  const start = helpers.createStartSessionAction("demo", { tokenTTL: "2h" });
  const { publicAccessToken } = await start({ chatId: chat });
  const { exp, iat, scopes } = claims(publicAccessToken);
  assert.equal(exp - iat, 7_200);
  assert.deepEqual(scopes, [`read:sessions:${chat}`, `write:sessions:${chat}`]);
  assert.equal((await append(chat, publicAccessToken)).status, 200);
});

row(49, {}, async () => {
  const chat = newChat();
  const seen = [];
  const start = helpers.createStartSessionAction("demo", {
    tokenTTL: "30m",
    baseURL: ({ endpoint }) => {
      seen.push(endpoint);
      return gw.url;
    },
    fetch: (url, init) => {
      seen.push([new URL(url).pathname, Object.keys(init.headers).map((k) => k.toLowerCase())]);
      return fetch(url, init);
    },
  });
  const { publicAccessToken } = await start({ chatId: chat });
  assert.ok(seen.includes("sessions"));
  const [, headers] = seen.find((entry) => entry[0] === "/api/v1/sessions");
  assert.deepEqual([...headers].sort(), ["authorization", "content-type", "x-trigger-source"]);
  assert.equal((await append(chat, publicAccessToken)).status, 200);
  const unknown = helpers.createStartSessionAction("no-such-agent", { baseURL: gw.url });
  await assert.rejects(unknown({ chatId: newChat() }), /sessions.start failed: 4\d\d /);
});

row(50, {}, async () => {
  const chat = newChat();
  await helpers.createStartSessionAction("demo")({ chatId: chat });
  const token = await helpers.createAccessToken("demo");
  const { scopes, otu } = claims(token);
  assert.ok(scopes.some((scope) => /^(trigger|write):tasks:demo$/.test(scope)), String(scopes));
  if (!isOldest) assert.equal(otu, true);
  assert.equal((await append(chat, token)).status, 403, "it is no session token");
  assert.equal((await peek(chat, token)).status, 403);
});

row(51, { na45: "createWatchToken" }, async () => {
  const chat = newChat();
  const { transport } = newTransport(gw);
  await ask(transport, chat, "hi");
  const token = await helpers.createWatchToken(chat);
  assert.deepEqual(claims(token).scopes, [`read:sessions:${chat}`]);
  const out = await peek(chat, token);
  assert.equal(out.status, 200);
  assert.ok((await out.text()).includes("turn-complete"));
  assert.equal((await append(chat, token)).status, 403);
  assert.equal((await peek(newChat("foreign"), token)).status, 403);
});

row(52, {}, async () => {
  await auth.withAuth({ baseURL: gw.url, secretKey: gw.rootKey }, async () => {
    const chat = newChat();
    const { result: token, requests } = await spying(() => auth.createPublicToken({
      scopes: { read: { sessions: chat }, write: { sessions: [chat] } } }));
    assert.deepEqual(requests.map(({ url }) => new URL(url).pathname), ["/api/v1/auth/jwt/claims"]);
    const [head, body, signature] = token.split(".");
    const expected = createHmac("sha256", gw.rootKey).update(`${head}.${body}`).digest("base64url");
    assert.equal(signature, expected, "signed with the raw key");
    assert.equal(claims(token).pub, true);
    await helpers.createStartSessionAction("demo")({ chatId: chat });
    assert.equal((await append(chat, token)).status, 200);
    const forged = `${head}.${body}.${createHmac("sha256", "another-key")
      .update(`${head}.${body}`).digest("base64url")}`;
    assert.equal((await append(chat, forged)).status, 401);
    const { transport } = newTransport(gw, { sessions: { [chat]: { publicAccessToken: token } } });
    const chunks = await ask(transport, chat, "root");
    assert.ok(textOf(chunks).length > 0);
  });
});

row(53, { na45: "public-tokens" }, async () => {
  const chat = newChat();
  const { result: token, requests } = await spying(() => auth.createPublicToken({
    scopes: { read: { sessions: chat } }, expirationTime: new Date(Date.now() + 600_000) }));
  const [request] = requests;
  assert.equal(new URL(request.url).pathname, "/api/v1/auth/public-tokens");
  assert.equal(typeof JSON.parse(request.body).expirationTime, "number");
  const { scopes, exp, iat } = claims(token);
  assert.deepEqual(scopes, [`read:sessions:${chat}`]);
  assert.ok(Math.abs(exp - iat - 600) <= 2);
  const standard = claims(await auth.createPublicToken({ scopes: { write: true } }));
  assert.equal(standard.exp - standard.iat, 15 * 60);
  assert.deepEqual(standard.scopes, ["write"]);
});

row(54, { na45: "createLoadTranscriptAction" }, async () => {
  const chat = newChat();
  const { transport } = newTransport(gw);
  for (const text of ["one", "two", "three"]) await ask(transport, chat, text);
  await settled(gw, chat, 3);
  const load = helpers.createLoadTranscriptAction(defaultStorage);
  const whole = await load({ chatId: chat });
  assert.equal(whole.messages.length, 6, "the blob has the whole conversation");
  assert.match(whole.cursors.lastOutEventId, /^\d+$/);
  const newest = await load({ chatId: chat, limit: 2 });
  assert.deepEqual(newest.messages, whole.messages.slice(-2));
  const older = await load({ chatId: chat, limit: 3, before: newest.nextCursor });
  assert.deepEqual(older.messages, whole.messages.slice(1, 4));
  const oldest = await load({ chatId: chat, limit: 3, before: older.nextCursor });
  assert.deepEqual(oldest.messages, whole.messages.slice(0, 1));
  assert.equal(oldest.nextCursor, undefined);
  assert.equal(textOfMessage(whole.messages.at(-1)), echo("three"));
  assert.deepEqual((await load({ chatId: newChat("unknown") })).messages, []);
  assert.deepEqual((await load({ chatId: newChat("unknown"), limit: 5 })).messages, []);
});

const textOfMessage = ({ parts }) =>
  parts.filter(({ type }) => type === "text").map(({ text }) => text).join("");

