// Rows 65–70: CORS, the curl recipe, limits, parts that pass through, errors.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";
import { after } from "node:test";
import { gateway, gateways } from "../harness.mjs";
import { all, ask, echo, newChat, newTransport, send, textOf } from "../lib/chats.mjs";
import { row } from "../lib/row.mjs";
import { configure, sessions } from "../lib/sdk.mjs";
import { aiSdkAgent, streamed, upstream } from "../lib/upstream.mjs";
import { boundaries, call, eventually, spying } from "../lib/wire.mjs";

const PARTS = JSON.parse(await readFile(new URL("../lib/parts.json", import.meta.url)));
const route = await upstream(async () => streamed(PARTS));
const gw = await gateway({ agents: aiSdkAgent("parts", route.url) });
after(route.close);
configure({ baseURL: gw.url, secretKey: gw.key });
const run = promisify(execFile);

row(65, {}, async () => {
  const origin = { origin: "https://app.example" };
  const preflight = async (path, method, headers) => {
    const answer = await call(gw, path, { bearer: null, method: "OPTIONS", headers: { ...origin,
      "access-control-request-method": method, "access-control-request-headers": headers } });
    assert.ok(answer.ok, `${path} ${answer.status}`);
    const allowed = answer.headers.get("access-control-allow-headers").toLowerCase();
    for (const name of headers.split(", ")) assert.ok(allowed.includes(name), allowed);
    assert.ok(answer.headers.get("access-control-allow-methods").includes(method));
    assert.ok(["*", origin.origin].includes(answer.headers.get("access-control-allow-origin")));
  };
  const base = "/realtime/v1/sessions/c%2F1";
  await preflight(`${base}/in/append`, "POST",
    "authorization, content-type, x-trigger-source, x-part-id, x-tenant");
  await preflight(`${base}/out`, "GET",
    "authorization, last-event-id, timeout-seconds, x-peek-settled, x-trace");

  const chat = newChat();
  const { transport } = newTransport(gw, { headers: origin });
  await ask(transport, chat, "hi");
  const out = await call(gw, `/realtime/v1/sessions/${chat}/out`, { headers: { ...origin,
    accept: "text/event-stream", "x-peek-settled": "1" } });
  const exposed = out.headers.get("access-control-expose-headers").toLowerCase();
  const names = exposed.split(",").map((name) => name.trim());
  for (const name of ["x-stream-version", "x-session-settled"]) {
    assert.ok(names.includes(name) || names.includes("*"), exposed);
  }
  await out.text();
  const path = `/realtime/v1/sessions/${chat}`;
  const refusals = await Promise.all([
    call(gw, `${path}/out`, { bearer: "nonsense", headers: origin }),
    call(gw, `${path}/in/append`, { bearer: "nonsense", headers: origin, method: "POST" }),
    call(gw, `${path}/out`, { headers: { ...origin, "timeout-seconds": "x" } }),
    call(gw, "/realtime/v1/sessions/nobody/in/append", { headers: origin, json: {} }),
    call(gw, "/no/such/path", { headers: origin }),
  ]);
  assert.deepEqual(refusals.map(({ status }) => status), [401, 401, 400, 404, 404]);
  for (const { headers } of refusals) assert.ok(headers.get("access-control-allow-origin"));
});

row(66, {}, async () => {
  const script = await readFile(new URL("../lib/recipe.sh", import.meta.url), "utf8");
  const chat = newChat("curl");
  const { stdout } = await run("bash", ["-euo", "pipefail", "-c", script], {
    env: { PATH: process.env.PATH, BASE_URL: gw.url, SECRET_KEY: gw.key, TASK_ID: "demo",
      CHAT_ID: chat } });
  const found = await boundaries(gw, chat);
  assert.equal(found.length, 2);
  const [, lastSeq] = stdout.match(/lastSeq: (\d+)/);
  assert.equal(Number(lastSeq), found[0].seq, "the recipe's grep finds the last record");
  const [first, second] = stdout.split(/lastSeq: \d+/);
  assert.ok(first.includes("pong") && !first.includes("echo"));
  assert.ok(second.includes("echo") && !second.includes("pong"), stdout);
});

row(67, {}, async () => {
  const slow = await gateway({ config: `
[limits.rate_limit]
requests_per_second = 2
burst = 3` });
  const chat = newChat();
  await createOn(slow, chat);
  const burst = await Promise.all(Array.from({ length: 20 * gateways }, () =>
    call(slow, `/api/v1/sessions/${chat}`)));
  const refused = burst.filter(({ status }) => status === 429);
  assert.ok(refused.length >= 1);
  for (const { headers } of refused) {
    const reset = Number(headers.get("x-ratelimit-reset"));
    assert.ok(reset > 1_600_000_000_000, "unix milliseconds");
    assert.ok(headers.get("x-ratelimit-limit") && headers.get("x-ratelimit-remaining"));
    assert.ok(headers.get("access-control-allow-origin"));
  }
  const many = await Promise.all(Array.from({ length: 8 }, () =>
    call(slow, `/realtime/v1/sessions/${chat}/out`, { headers: { "timeout-seconds": "1" } })));
  assert.deepEqual(new Set(many.map(({ status }) => status)), new Set([200]), "never on .out");
  await Promise.all(many.map((answer) => answer.body.cancel()));
  configure({ baseURL: slow.url, secretKey: slow.key });
  const { result, requests } = await spying(() =>
    Promise.all(Array.from({ length: 6 * gateways }, () => sessions.retrieve(chat))));
  configure({ baseURL: gw.url, secretKey: gw.key });
  assert.equal(result.length, 6 * gateways, "the SDK waits and gets through");
  assert.ok(requests.some(({ status }) => status === 429));
});

const createOn = (target, chat) => call(target, "/api/v1/sessions", { json: { type: "chat.agent",
  externalId: chat, taskIdentifier: "demo",
  triggerConfig: { basePayload: { chatId: chat, trigger: "preload" } } } });

row(68, {}, async () => {
  const chat = newChat();
  const { transport } = newTransport(gw);
  await ask(transport, chat, "hi");
  const tooLong = "x".repeat(1024 * 1024 + 1);
  await assert.rejects(ask(transport, chat, tooLong), ({ status }) => status === 413);
  const refused = await call(gw, `/realtime/v1/sessions/${chat}/in/append`, {
    method: "POST", body: tooLong, headers: { origin: "https://app.example" } });
  assert.equal(refused.status, 413);
  assert.ok(refused.headers.get("access-control-allow-origin"));
  const large = "y".repeat(700 * 1024);
  assert.equal(textOf(await ask(transport, chat, large)), echo(large));
  const history = "z".repeat(3 * 1024 * 1024);
  const made = await sessions.start({ type: "chat.agent", externalId: newChat(),
    taskIdentifier: "demo", triggerConfig: { basePayload: { headStartMessages: [history] } } });
  assert.ok(made.id, "a create with 3 MiB of history");
  assert.equal(textOf(await ask(transport, chat, "still usable")), echo("still usable"));
});

row(69, {}, async () => {
  const { transport } = newTransport(gw, { agent: "parts" });
  const chunks = await ask(transport, newChat(), "hi");
  const sent = PARTS.filter(({ type }) => type !== "start");
  assert.deepEqual(chunks.filter(({ type }) => type !== "start"), sent);
  const data = await ask(newTransport(gw).transport, newChat(), "/data");
  assert.ok(data.some(({ type, transient }) => type === "data-notice" && transient === true));
  assert.equal(data.filter(({ type }) => type === "data-progress").length, 3);
});

row(70, {}, async () => {
  const chat = newChat();
  const { transport } = newTransport(gw);
  const own = await ask(transport, chat, "/error the pump is broken");
  assert.deepEqual(own.filter(({ type }) => type === "error"),
    [{ type: "error", errorText: "the pump is broken" }]);
  const failed = await ask(transport, chat, "/fail the pipe burst");
  assert.equal(failed.filter(({ type }) => type === "error").length, 1);
  const first = await all(await send(transport, chat, "/fail-first"));
  assert.equal(first.filter(({ type }) => type === "error").length, 1);
  assert.equal(textOf(await ask(transport, chat, "and on")), echo("and on"));
  await eventually(async () => (await boundaries(gw, chat)).length === 4, "four boundaries");
});
