// Rows 33–40: `AgentChat`, the server-side client.

import assert from "node:assert/strict";
import { gateway } from "../harness.mjs";
import { all, deltas, echo, newChat, readUntil, rest, textOf, words } from "../lib/chats.mjs";
import { row } from "../lib/row.mjs";
import { AgentChat, configure, isOldest, sessions } from "../lib/sdk.mjs";
import { boundaries, eventually, records, recorder, settled, spying } from "../lib/wire.mjs";

const gw = await gateway();
configure({ baseURL: gw.url, secretKey: gw.key });

const agentChat = (options = {}) => new AgentChat({ agent: "demo", id: newChat("ag"), ...options });
const creates = (requests) => requests.filter(({ url, method }) =>
  method === "POST" && url.endsWith("/api/v1/sessions"));

row(33, {}, async () => {
  const triggered = [];
  const chat = agentChat({ clientData: { userId: "u1" },
    triggerConfig: { tags: ["a"], basePayload: { foo: 1 } },
    onTriggered: (event) => triggered.push(event) });
  assert.deepEqual(await chat.preload({ idleTimeoutInSeconds: 30 }), { lastEventId: undefined });
  assert.equal(triggered.length, 1);
  assert.ok(triggered[0].runId);
  const session = await sessions.retrieve(chat.id);
  assert.equal(session.type, "chat.agent");
  assert.equal((await records(gw, chat.id)).length, 0);
});

row(34, {}, async () => {
  const completed = [];
  const chat = agentChat({ onTurnComplete: (event) => completed.push(event) });
  const stream = await chat.sendMessage("hello");
  assert.equal(await stream.text(), echo("hello"));
  const raw = await chat.sendRaw([{ id: "m2", role: "user",
    parts: [{ type: "text", text: "again" }] }]);
  assert.equal(textOf(await all(raw)), echo("again"));
  assert.equal(completed.length, 2);
  assert.equal((await boundaries(gw, chat.id)).length, 2, "one boundary each");
  const result = await (await chat.sendMessage("/tool Delft")).result();
  assert.equal(result.toolCalls[0].toolName, "weather");
  assert.equal(result.toolResults[0].output.city, "Delft");
});

row(35, {}, async () => {
  const chat = agentChat({ agent: "steady" });
  const { stream } = await chat.sendMessage("/words 30 20");
  const { chunks, reader } = await readUntil(stream, (read) => deltas(read) >= 3);
  assert.equal(await chat.steer("turn left"), true);
  assert.equal(textOf([...chunks, ...(await rest(reader))]), words(30));
  await settled(gw, chat.id, 2);
});

row(36, {}, async () => {
  const chat = agentChat({ agent: "steady" });
  const { stream } = await chat.sendMessage("/words 2000 20");
  const { reader } = await readUntil(stream, (read) => deltas(read) >= 3);
  await chat.stop();
  if (isOldest) {
    // There a stopped stream reads on after its boundary, which the next one must not meet.
    const [{ seq }] = await settled(gw, chat.id, 1);
    await eventually(() => Number(chat.session.lastEventId) >= seq, "its boundary");
    await reader.cancel();
  } else assert.ok(deltas(await rest(reader)) < 500);
  assert.equal(await (await chat.sendMessage("next")).text(), echo("next"));
  const found = await boundaries(gw, chat.id);
  assert.equal(found.length, 2, "a stopped turn has one boundary");
});

row(37, {}, async () => {
  const chat = agentChat();
  await (await chat.sendMessage("hi")).text();
  assert.equal(await (await chat.sendAction({ type: "say", text: "Ahoy" })).text(), "Ahoy");
  assert.equal(await (await chat.sendAction({ type: "nothing" })).text(), "");
  assert.equal(await (await chat.sendMessage("on")).text(), echo("on"));
});

row(38, {}, async () => {
  const chat = agentChat({ agent: "steady" });
  const { stream } = await chat.sendMessage("/words 250 20");
  const { chunks, reader } = await readUntil(stream, (read) => deltas(read) >= 5);
  const before = chat.session;
  const wire = recorder();
  const again = new AgentChat({ agent: "steady", id: chat.id, session: before, fetch: wire.fetch });
  const live = await all(await again.reconnect());
  assert.equal(textOf([...chunks, ...live]), words(250));
  // The oldest SDK does not ask whether the session is settled, but waits.
  if (isOldest) return;
  assert.equal(wire.of("out")[0].headers["x-peek-settled"], "1");
  await rest(reader);
  const after = new AgentChat({ agent: "steady", id: chat.id, session: chat.session,
    fetch: wire.fetch });
  assert.deepEqual(await all(await after.reconnect()), []);
  assert.equal(wire.of("out").at(-1).answer["x-session-settled"], "true");
});

row(39, {}, async () => {
  const chat = agentChat();
  await (await chat.sendMessage("hi")).text();
  assert.equal(await chat.close(), true);
  await eventually(async () => (await records(gw, chat.id, "in")).length === 2, "the close input");
  assert.equal((await sessions.retrieve(chat.id)).closedAt ?? null, null, "the session stays open");
  const later = new AgentChat({ agent: "demo", id: chat.id, session: chat.session });
  assert.equal(await (await later.sendMessage("back")).text(), echo("back"));
});

row(40, { na45: "the refresh of a hydrated AgentChat" }, async () => {
  const first = agentChat();
  await (await first.sendMessage("one")).text();
  const triggered = [];
  const chat = new AgentChat({ agent: "demo", id: first.id, session: first.session,
    onTriggered: (event) => triggered.push(event) });
  const { result, requests } = await spying(async () => (await chat.sendMessage("two")).text());
  assert.equal(result, echo("two"));
  assert.deepEqual(creates(requests).map(({ status }) => status), [200], "cached, not created");
  assert.equal(triggered.length, 0);
  assert.equal((await records(gw, first.id, "in")).length, 2);
});
