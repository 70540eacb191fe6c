// Rows 23, 24: the client's view of runs that wait for a version, and of runs that move.

import assert from "node:assert/strict";
import { after } from "node:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gateway } from "../harness.mjs";
import { startHost } from "../agents/lib/host.mjs";
import { all, ask, newChat, newTransport, send, textOf } from "../lib/chats.mjs";
import { row } from "../lib/row.mjs";
import { chat as helpers, configure } from "../lib/sdk.mjs";

const notes = await mkdtemp(join(tmpdir(), "tidegate-upgrades-"));
let first;
// Before the gateway's own: a host that can't reach it any more waits for it as long as it drains.
after(async () => {
  await first?.stop();
  await rm(notes, { recursive: true, force: true });
});
const gw = await gateway();
configure({ baseURL: gw.url, secretKey: gw.key });
first = await startHost(gw, ["evolving-1"], { version: "v1", notes });

/** A transport that keeps the events it reports; `triggerConfig` goes into its sessions. */
function observed(triggerConfig) {
  const events = [];
  const start = helpers.createStartSessionAction("evolving", { triggerConfig });
  const made = newTransport(gw, { agent: "evolving", onEvent: (event) => events.push(event),
    startSession: ({ chatId, clientData }) => start({ chatId, clientData }) });
  return { ...made, events };
}

const versions = (chunks) => chunks.filter(({ type }) => type === "data-version")
  .map(({ data }) => data);

row(23, { na45: "run-pending-version" }, async () => {
  const chat = newChat();
  const { transport, events } = observed({ externalDeploymentId: "v7" });
  const stream = await send(transport, chat, "hi");
  const waiting = () => events.filter(({ type }) => type === "run-pending-version")
    .map(({ source }) => source);
  assert.ok(waiting().includes("start"), waiting().join(" "));
  assert.ok(waiting().includes("send"), waiting().join(" "));
  const late = await startHost(gw, ["evolving-2"], { version: "v7", notes });
  const chunks = await all(stream);
  assert.deepEqual(versions(chunks), [2], "answered once the version is there");
  assert.equal(textOf(chunks), "heard hi");
  await late.stop();
});

row(24, {}, async () => {
  const chat = newChat();
  const { transport, wire } = observed();
  assert.deepEqual(versions(await ask(transport, chat, "hi")), [1]);
  const second = await startHost(gw, ["evolving-2"], { version: "v2", notes });
  const before = wire.of("out").length;
  const chunks = await ask(transport, chat, "/upgrade");
  assert.equal(versions(chunks).at(-1), 2);
  assert.equal(textOf(chunks), "heard hi | /upgrade");
  assert.ok(chunks.every(({ type }) => !type.startsWith("trigger:")), "the record is hidden");
  assert.equal(wire.of("out").length, before + 1, "the same stream goes on");
  await second.stop();
});
