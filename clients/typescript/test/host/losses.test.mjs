// The host or the gateway dies, and the session goes on.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import { configure } from "@trigger.dev/sdk";
import { AgentChat } from "@trigger.dev/sdk/chat";
import { scratch } from "../support/isolates.mjs";
import { gateway, launch, linked, marked, served } from "../support/served.mjs";

const ask = async (chat, text) => (await chat.sendMessage(text)).text();
const newChat = () => new AgentChat({ agent: "chats", id: `c-${randomUUID().slice(0, 8)}` });

test("a host that is killed in a turn loses nothing: another one answers", async () => {
  const gw = await gateway();
  configure({ baseURL: gw.url, secretKey: gw.key });
  const workspaces = scratch();
  const first = await served(gw, { workspaces });
  const chat = newChat();
  const before = await ask(chat, "hello");
  assert.equal(before, "turn 1, 1 messages, 1 visits");
  const second = await served(gw, { workspaces });
  const stream = await chat.sendMessage("kill the host");
  await first.exit;
  assert.equal(await stream.text(), "back after 2 visits");
  second.child.kill("SIGTERM");
  assert.deepEqual(await second.exit, { code: 0, signal: null });
});

test("a gateway that is killed and comes back finds the runs where they were", async () => {
  const data = scratch();
  const killed = await launch({ store: "disk:", data });
  const { port } = killed;
  configure({ baseURL: killed.url, secretKey: killed.key });
  const host = await served(killed);
  const chat = newChat();
  assert.equal(await ask(chat, "hello"), "turn 1, 1 messages, 1 visits");
  // Its SDK tries only thrice to write the end of a turn, which may be too few for a restart.
  await marked(host, chat, "completed");
  await killed.stop("SIGKILL");
  // A message that came before the host would, after LINK_RESUME_MS, start another attempt.
  await linked(await gateway({ store: "disk:", data, port }));
  assert.equal(await ask(chat, "again"), "turn 2, 3 messages, 2 visits", host.said());
});
