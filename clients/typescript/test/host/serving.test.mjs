// Unmodified agents on the real gateway: turns, parking, eviction, crashes, sub-agents, drain.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import { configure, runs, sessions } from "@trigger.dev/sdk";
import { AgentChat } from "@trigger.dev/sdk/chat";
import { gateway, marked, served } from "../support/served.mjs";

const gw = await gateway();
configure({ baseURL: gw.url, secretKey: gw.key });
const flags = ["--capacity", "2", "--isolate-memory", "96"];
const host = await served(gw, { flags });

const newChat = (agent = "chats") =>
  new AgentChat({ agent, id: `${agent}-${randomUUID().slice(0, 8)}` });
const ask = async (chat, text) => (await chat.sendMessage(text)).text();

const parked = (chat) => marked(host, chat, "parked");

test("a chat is answered, warm in the same isolate", async () => {
  const chat = newChat();
  assert.equal(await ask(chat, "hello"), "turn 1, 1 messages, 1 visits");
  assert.equal(await ask(chat, "again"), "turn 2, 3 messages, 2 visits");
});

test("a parked chat keeps what is in its memory", async () => {
  const chat = newChat();
  await ask(chat, "hello");
  await parked(chat);
  assert.equal(await ask(chat, "again"), "turn 2, 3 messages, 2 visits");
});

test("parked chats make room for others, and go on with history and workspace", async () => {
  const chats = [newChat(), newChat(), newChat()];
  for (const chat of chats) assert.match(await ask(chat, "hello"), /^turn 1, 1 messages/);
  assert.equal(await ask(chats[0], "again"), "turn 1, 3 messages, 2 visits");
});

test("a crash of one isolate is repaired, and no other notices", async () => {
  const other = newChat();
  await ask(other, "hello");
  assert.equal(await ask(newChat(), "crash once"), "back after 1 crash");
  assert.match(await ask(other, "again"), /^turn 2/);
  assert.match(host.said(), /crashed: the isolate exited with 9/);
});

test("a chat that runs out of memory is tried again", async () => {
  assert.match(await ask(newChat(), "oom once"), /, 2 visits$/);
  assert.match(host.said(), /: oom: /);
});

test("sub-agents at depth 3 get isolates though parents hold the capacity", async () => {
  const both = [newChat("nested"), newChat("nested")];
  const answers = await Promise.all(both.map((chat) => ask(chat, "3")));
  assert.deepEqual(answers, ["3 2 1 bottom", "3 2 1 bottom"]);
});

test("a stop ends the turn, a cancel the run, and the session goes on", async () => {
  const chat = newChat();
  const { stream } = await chat.sendMessage("slowly");
  const reader = stream.getReader();
  while ((await reader.read()).value?.type !== "text-delta");
  await chat.stop();
  while (!(await reader.read()).done);
  assert.match(await ask(chat, "again"), /^turn 2, /);

  const { currentRunId } = await sessions.retrieve(chat.id);
  const running = (await chat.sendMessage("slowly")).stream.getReader();
  while ((await running.read()).value?.type !== "text-delta");
  await runs.cancel(currentRunId);
  // To the boundary of the cancelled turn, or the client takes it for the next one's.
  while (!(await running.read()).done);
  assert.match(await ask(chat, "and again"), /^turn \d+, /);
  assert.notEqual((await sessions.retrieve(chat.id)).currentRunId, currentRunId);
});

test("a session's folder is its own", async () => {
  const chat = newChat();
  const folder = await ask(chat, "where");
  const { id } = await sessions.retrieve(chat.id);
  assert.equal(folder, `${host.workspaces}/${id}`);
});

test("SIGTERM finishes what runs and ends with 0", async () => {
  host.child.kill("SIGTERM");
  assert.deepEqual(await host.exit, { code: 0, signal: null });
});
