// Rows 1–6, 13–16, 75, 93, 99, 101, 104: sessions of an agent that a worker registered.

import assert from "node:assert/strict";
import { runs } from "@trigger.dev/sdk";
import { gateway, gateways } from "../harness.mjs";
import { mint, say } from "../lib/chats.mjs";
import { auth, sessions } from "../lib/sdk.mjs";
import { call, eventually, records } from "../lib/wire.mjs";
import { proxy } from "./lib/edge.mjs";
import { agentRow } from "./lib/row.mjs";
import { startHost } from "./lib/host.mjs";
import { chunkOf, isBoundary, open, recordsOf } from "./lib/sse.mjs";
import { shared } from "./lib/stage.mjs";
import { Talk, textOf } from "./lib/talk.mjs";

const { gw, talk, notes } = await shared();

const path = (chat, rest) => `/realtime/v1/sessions/${encodeURIComponent(chat)}/${rest}`;
const message = (chat, text) => ({ kind: "message",
  payload: { chatId: chat, trigger: "submit-message", message: say(text) } });

agentRow(1, async () => {
  const one = talk("hooked");
  const body = { type: "chat.agent", taskIdentifier: "hooked", externalId: one.chat,
    triggerConfig: { basePayload: { chatId: one.chat, trigger: "preload" } } };
  const answer = await call(gw, "/api/v1/sessions", { json: body });
  const made = await answer.json();
  assert.equal(answer.status, 201);
  assert.match(made.id, /^session_/);
  assert.match(made.runId, /^run_/);
  assert.ok(made.publicAccessToken);
  assert.equal(made.isCached, false);
  const [boot] = await one.noted("onBoot");
  assert.equal(boot.runId, made.runId, "the run that was announced is the one that boots");
  assert.equal((await one.run(made.runId)).taskIdentifier, "hooked");
});

agentRow(2, async () => {
  const one = talk("hooked");
  const made = await Promise.all([one.open(), one.open(), one.open()]);
  assert.equal(new Set(made.map(({ id }) => id)).size, 1);
  assert.equal(made.filter(({ isCached }) => !isCached).length, 1);
  assert.equal(new Set(made.map(({ runId }) => runId)).size, 1);
  const again = await one.open();
  assert.deepEqual([again.isCached, again.id], [true, made[0].id]);
  await one.turn("hi");
  assert.equal(one.notes("onBoot").length, 1, "no second live run");
  assert.equal((await one.runs()).length, 1);
});

agentRow(3, async () => {
  const one = talk("talk");
  const { id } = await one.open();
  await one.turn("by chat id");
  const appended = await call(gw, path(id, "in/append"), { json: message(one.chat, "by id") });
  const { seq } = await appended.json();
  await one.covered(seq);
  await one.trimmed(1); // what the agent does after its second turn; until then the log changes
  assert.deepEqual(await records(gw, id), await one.records());
  assert.deepEqual(await records(gw, id, "in"), await records(gw, one.chat, "in"));
});

agentRow(4, async () => {
  const made = [];
  const tag = `list-${Date.now()}`;
  for (let i = 0; i < 3; i += 1) {
    const { chat } = talk("talk");
    made.push(await sessions.start({ type: "chat.agent", taskIdentifier: "talk",
      externalId: chat, tags: [tag], triggerConfig: { basePayload: { chatId: chat,
        trigger: "preload" } } }));
  }
  const listed = [];
  for await (const { id } of sessions.list({ tag, limit: 2 })) listed.push(id);
  assert.deepEqual(listed, made.map(({ id }) => id).reverse());
  const changed = await sessions.update(made[0].id, { tags: [tag, "b"], metadata: { a: 1 } });
  assert.deepEqual([changed.tags, changed.metadata], [[tag, "b"], { a: 1 }]);
  const seen = await sessions.retrieve(made[0].externalId);
  assert.deepEqual([seen.tags, seen.metadata, seen.taskIdentifier],
    [[tag, "b"], { a: 1 }, "talk"]);
  assert.equal(seen.currentRunId, made[0].runId);
});

agentRow(5, async () => {
  const one = talk("talk");
  const expiresAt = new Date(Date.now() + 8_000);
  const made = await sessions.start({ type: "chat.agent", taskIdentifier: "talk",
    externalId: one.chat, tags: ["x"], metadata: { plan: "pro" }, expiresAt,
    triggerConfig: { basePayload: { chatId: one.chat, trigger: "preload" } } });
  assert.deepEqual([made.tags, made.metadata, made.expiresAt], [["x"], { plan: "pro" }, expiresAt]);
  await one.turn("in time");
  const refused = await eventually(async () => {
    const answer = await call(gw, path(one.chat, "in/append"), { json: message(one.chat, "x") });
    return answer.status !== 200 && answer;
  });
  assert.equal(refused.status, 409);
  assert.equal((await refused.json()).code, "session_expired");
});

agentRow(6, async () => {
  const one = talk("talk");
  await one.open();
  const token = (scopes) => auth.createPublicToken({ scopes });
  const tokens = {
    both: await mint(one.chat),
    read: await token({ read: { sessions: one.chat } }),
    write: await token({ write: { sessions: one.chat } }),
    other: await mint("another-chat"),
  };
  const statuses = {};
  for (const [name, bearer] of Object.entries(tokens)) {
    const read = await call(gw, path(one.chat, "out"), { bearer });
    await read.body.cancel();
    const write = await call(gw, path(one.chat, "in/append"), { bearer,
      json: { kind: "opaque" } });
    const inside = await call(gw, path(one.chat, "in/records"), { bearer });
    statuses[name] = [read.status, write.status, inside.status];
  }
  assert.deepEqual(statuses, { both: [200, 200, 403], read: [200, 403, 403],
    write: [403, 200, 403], other: [403, 403, 403] });
});

agentRow(13, async () => {
  const one = talk("talk");
  await one.open();
  const seqs = await Promise.all(Array.from({ length: 20 }, (_, i) =>
    one.append({ kind: "opaque", n: i })));
  assert.equal(new Set(seqs).size, 20);
  const stored = await records(gw, one.chat, "in");
  assert.deepEqual(stored.map(({ seqNum }) => seqNum), [...seqs].sort((a, b) => a - b));
  for (const { seqNum, data } of stored) {
    const text = typeof data === "string" ? data : JSON.stringify(data);
    assert.equal(JSON.parse(text).n, seqs.indexOf(seqNum), "each seq holds what it answered");
  }
});

agentRow(14, async () => {
  const one = talk("talk");
  await one.open();
  const record = message(one.chat, "once");
  const headers = { "x-part-id": "the-same-part" };
  const seqs = await Promise.all([1, 2, 3].map(() => one.append(record, headers)));
  assert.equal(new Set(seqs).size, 1);
  await one.covered(seqs[0]);
  assert.equal(await one.append(record, headers), seqs[0], "also after the answer");
  await one.turn("next");
  assert.equal((await one.turns()).length, 2, "one record, one answer");
});

agentRow(15, async () => {
  const one = talk("talk");
  await one.open();
  const answer = await call(gw, path(one.chat, "in/append"), {
    json: message(one.chat, "x".repeat(1_200_000)) });
  assert.equal(answer.status, 413);
  assert.equal((await one.turn("small")).text, "heard small");
});

agentRow(16, async () => {
  const one = talk("talk");
  await one.open();
  await one.turn("hi");
  await sessions.close(one.chat, { reason: "enough" });
  const answer = await call(gw, path(one.chat, "in/append"), { json: message(one.chat, "x") });
  assert.equal(answer.status, 409);
  const { code, closedReason } = await answer.json();
  assert.deepEqual([code, closedReason], ["session_closed", "enough"]);
});

agentRow(75, async () => {
  const one = talk("talk");
  const { publicAccessToken } = await one.open();
  const put = (bearer) => call(gw, path(one.chat, "out"), { method: "PUT", bearer });
  assert.equal((await put(publicAccessToken)).status, 403);
  const granted = await put(gw.key);
  assert.equal(granted.status, 202);
  assert.equal((await granted.json()).version, "v2");
  for (const name of ["access-token", "stream-name", "basin", "endpoint"]) {
    assert.ok(granted.headers.get(`x-s2-${name}`), name);
  }
});

agentRow(93, async () => {
  const one = talk("projector");
  await one.open();
  await one.turn("one");
  const channel = sessions.open(one.chat).channel("frames");
  await channel.in.send({ paused: true });
  const [{ control }] = await one.noted("control");
  assert.deepEqual(control, { paused: true });
  await one.turn("two");
  const frames = await eventually(async () => {
    const found = await records(gw, one.chat, "channels/frames/out");
    return found.length >= 2 && found;
  });
  assert.deepEqual(frames.map(({ data }) => data.frame), [1, 3]);
  const narrow = await auth.createPublicToken({
    scopes: { read: { sessions: `${one.chat}:channels:frames` } } });
  const status = async (rest) => {
    const answer = await call(gw, path(one.chat, rest), { bearer: narrow });
    await answer.body.cancel();
    return answer.status;
  };
  assert.deepEqual([await status("channels/frames/out"), await status("channels/other/out"),
    await status("out")], [200, 403, 403]);
});

agentRow(93, async () => {
  const one = talk("projector");
  await one.open();
  const boots = (await one.noted("onBoot")).length;
  await one.payload({ trigger: "close" });
  await one.ended(one.session.runId);
  await sessions.open(one.chat).channel("frames").in.send({ wake: false });
  await one.turn("now");
  assert.equal(one.notes("onBoot").length, boots + 1, "only the message booted a run");
  assert.equal((await one.runs()).length, 2);
}, { detail: "a side channel wakes no run" });

agentRow(99, async () => {
  const one = talk("tagged");
  const { runId } = await one.open();
  await one.turn("hi");
  const run = await runs.retrieve(runId);
  assert.ok(run.tags.includes(`chat:${one.chat}`), JSON.stringify(run.tags));
  assert.deepEqual((await one.runs()).map(({ id }) => id), [runId]);
  const seen = await eventually(async () => {
    const { metadata: found } = await runs.retrieve(runId);
    return found?.turns === 1 && found;
  }, "the run's metadata");
  assert.deepEqual(seen, { turns: 1 });
  assert.ok((await runs.retrieve(runId)).tags.includes("answered"), "a tag that the agent added");
});

agentRow(101, async () => {
  const slow = await gateway({ config: `
[limits.rate_limit]
requests_per_second = 20
burst = 60` });
  const host = await startHost(slow, ["talk"], { notes });
  await auth.withAuth({ baseURL: slow.url, secretKey: slow.key }, async () => {
    const one = new Talk(slow, "talk");
    await one.open();
    const burst = await Promise.all(Array.from({ length: 120 * gateways }, () =>
      call(slow, `/api/v1/sessions/${one.chat}`)));
    const refused = burst.filter(({ status }) => status === 429);
    assert.ok(refused.length > 0);
    for (const { headers } of refused) {
      assert.equal(headers.get("x-should-retry"), "true");
      assert.ok(Number(headers.get("x-ratelimit-reset")) > 1_600_000_000_000);
    }
    await eventually(() => one.submit("through").then(() => true, () => false));
    // One stream, which is not limited, so that the agent has the rate for itself.
    const { events } = await open(slow, one.chat);
    const turn = await recordsOf(events, (some) => some.some(isBoundary));
    assert.equal(textOf(turn.map(chunkOf).filter(Boolean)), "heard through",
      "the agent's own calls came through");
    await sessions.close(one.chat);
    const again = await sessions.start({ type: "chat.agent", taskIdentifier: "talk",
      externalId: one.chat, triggerConfig: { basePayload: {} } }).catch((error) => error);
    assert.equal(again.status, 409, "a permanent conflict is not repeated");
  });
  assert.deepEqual(await host.stop(), { code: 0, signal: null });
});

agentRow(104, async () => {
  const edge = await proxy(gw, (payload) => ({ ...payload,
    metadata: { ...payload.metadata, country: "NL" } }));
  const one = talk("strict", { clientData: { userId: "u1" } });
  await one.open();
  const answer = await fetch(`${edge.url}${path(one.chat, "in/append")}`, { method: "POST",
    headers: { authorization: `Bearer ${await mint(one.chat)}` },
    body: JSON.stringify({ kind: "message", payload: { chatId: one.chat,
      trigger: "submit-message", message: say("hi"), metadata: { userId: "u1" } } }) });
  assert.equal(answer.status, 200);
  const { chunks } = await one.covered((await answer.json()).seq);
  const { data } = chunks.find(({ type }) => type === "data-client");
  assert.deepEqual(data, { userId: "u1", plan: "free", country: "NL" });
  await edge.close();
});
