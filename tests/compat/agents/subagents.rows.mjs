// Rows 81, 82, 84, 85, 95: agents that ask agents, clients on a server, loops of one's own.

import assert from "node:assert/strict";
import { readUntil, rest } from "../lib/chats.mjs";
import { AgentChat } from "../lib/sdk.mjs";
import { eventually, records } from "../lib/wire.mjs";
import { agentRow } from "./lib/row.mjs";
import { shared } from "./lib/stage.mjs";
import { textOf } from "./lib/talk.mjs";

const { gw, talk } = await shared();

const forwarded = ({ chunks }) => chunks.filter(({ type }) => type === "data-subagent");
const outputs = ({ chunks }) => chunks.filter(({ type }) => type === "tool-output-available");

agentRow(81, async () => {
  const one = talk("root");
  await one.open();
  const inner = JSON.stringify({ text: "/tool ask {\"text\":\"hello\"}" });
  const turn = await one.turn(`/tool deep ${inner}`);
  assert.ok(turn.text.startsWith("deep gave"), turn.text);
  assert.ok(turn.text.includes("heard hello"), "the leaf's words came up two levels");
  for (const name of ["branch", "branch-leaf"]) {
    const sub = talk("leaf", { chat: `${one.chat}-${name}` });
    assert.equal((await sub.turns()).length, 1, `${name} is a session of its own`);
  }
});

agentRow(82, async () => {
  const one = talk("root");
  await one.open();
  const turn = await one.turn(`/tool ask ${JSON.stringify({ text: "/count 200 10" })}`);
  const batches = forwarded(turn);
  assert.ok(batches.length >= 2, "it streams");
  assert.deepEqual(batches.map(({ data }) => data.seq), batches.map((_, n) => n));
  const inner = batches.flatMap(({ data }) => data.chunks);
  assert.equal(textOf(inner).trim().split(" ").length, 200, "every chunk once");
  const last = outputs(turn);
  assert.deepEqual([last.length, last[0].preliminary], [1, undefined]);
  assert.equal(last[0].output.parts.at(-1).text, textOf(inner));
});

agentRow(82, async () => {
  const one = talk("root");
  await one.open();
  const turn = await one.turn(`/tool watch ${JSON.stringify({ text: "/count 100 10" })}`);
  const seen = outputs(turn);
  assert.ok(seen.length >= 2 && seen.slice(0, -1).every(({ preliminary }) => preliminary));
  assert.equal(seen.at(-1).output.parts.at(-1).text.trim().split(" ").length, 100);
}, { detail: "as preliminary results" });

agentRow(84, async () => {
  const one = talk("root");
  await one.open();
  const seq = await one.submit(`/tool ask ${JSON.stringify({ text: "/count 4000 10" })}`);
  const leaf = talk("leaf", { chat: `${one.chat}-leaf` });
  await eventually(async () => (await one.records()).some(({ data }) =>
    data?.type === "data-subagent"), "the sub-agent's stream");
  await one.stop();
  await one.covered(seq);
  const inputs = await eventually(async () => {
    const found = await records(gw, leaf.chat, "in");
    return found.length >= 2 && found;
  }, "a record for the sub-agent");
  assert.match(JSON.stringify(inputs.at(-1).data), /stop|close/);
  await leaf.settled(1);
  assert.ok((await leaf.turns())[0].text.split(" ").length < 2_000);
});

agentRow(85, async () => {
  const server = new AgentChat({ agent: "steered" });
  const one = talk("steered", { chat: server.id });
  await server.preload();
  assert.equal(await (await server.sendMessage("hi")).text(), "heard hi");
  const { stream } = await server.sendMessage("/steps 2 2000");
  const first = await readUntil(stream, (read) => read.some(({ type }) =>
    type === "tool-input-available"));
  assert.equal(await server.steer("turn left"), true);
  const chunks = [...first.chunks, ...(await rest(first.reader))];
  assert.ok(textOf(chunks).endsWith("after turn left"));
  const long = await server.sendMessage("/count 3000 10");
  const { reader } = await readUntil(long.stream, (read) => textOf(read).length > 40);
  await server.stop();
  assert.ok(textOf(await rest(reader)).length < 15_000);
  assert.ok((await (await server.sendMessage("on")).text()).endsWith("| on"));
  assert.equal((await one.turns()).length, 4);
  const { currentRunId } = await one.row();
  await server.close();
  assert.equal((await one.ended(currentRunId)).isCompleted, true);
});

agentRow(85, async () => {
  const server = new AgentChat({ agent: "talk" });
  const { stream } = await server.sendMessage("/count 300 10");
  const { chunks, reader } = await readUntil(stream, (read) => textOf(read).length > 40);
  const before = server.session;
  await reader.cancel();
  const back = new AgentChat({ agent: "talk", id: server.id, session: before });
  const again = await back.reconnect();
  const whole = [...chunks, ...(await collect(again))];
  assert.equal(textOf(whole).trim().split(" ").at(-1), "word-300");
}, { detail: "reconnect" });

async function collect(stream) {
  const chunks = [];
  for await (const chunk of stream.stream ?? stream) chunks.push(chunk);
  return chunks;
}

agentRow(95, async () => {
  for (const agent of ["by-session", "by-hand"]) {
    const one = talk(agent);
    await one.open();
    assert.equal((await one.turn("one")).text, "heard one", agent);
    assert.equal((await one.turn("two")).text, "heard one | two", agent);
    const seq = await one.submit("/count 1000 10");
    await one.streaming(40);
    await one.stop();
    await one.covered(seq);
    const last = await one.turn("three");
    assert.ok(last.text.endsWith("| three"), agent);
    const turns = await one.turns();
    assert.equal(turns.length, 4);
    assert.ok(turns.every(({ floor, consumed }) => floor <= consumed));
    assert.deepEqual(await one.transcript(), [], `${agent} saves no transcript`);
  }
});
