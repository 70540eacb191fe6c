// Tools and approvals over the AI SDK binding, and errors.

import assert from "node:assert/strict";
import { test } from "node:test";
import { gateway } from "../harness.mjs";
import { VERSIONS, lastText, page, plain } from "../lib/ai.mjs";
import { echo } from "../lib/chats.mjs";
import { settled } from "../lib/wire.mjs";

const gw = await gateway();

const each = (name, majors, body) => {
  for (const major of majors) {
    test(`ai ${major}: ${name}`, { timeout: 240_000 }, () => body(VERSIONS[major], major));
  }
};
const toolOf = (chat, type) =>
  chat.messages.at(-1).parts.findLast((part) => part.type === type);

each("a tool that runs on the server", [5, 6, 7], async (ai) => {
  const { chat } = page(gw, ai);
  await chat.sendMessage({ text: "/tool Delft" });
  assert.equal(chat.status, "ready", `${chat.error}`);
  const { state, output } = toolOf(chat, "tool-weather");
  assert.deepEqual([state, output.city], ["output-available", "Delft"]);
  await chat.sendMessage({ text: "/tool-error Delft" });
  assert.equal(toolOf(chat, "tool-weather").state, "output-error");
});

each("a tool that runs in the client", [5, 6, 7], async (ai) => {
  const { chat, id } = page(gw, ai);
  await chat.sendMessage({ text: "/client location" });
  const call = toolOf(chat, "tool-ask_client");
  assert.equal(call.state, "input-available");
  await chat.addToolOutput({ tool: "ask_client", toolCallId: call.toolCallId,
    output: { city: "Utrecht" } });
  await chat.sendMessage();
  assert.equal(chat.status, "ready", `${chat.error}`);
  assert.ok(lastText(chat).endsWith('Your ask_client says {"city":"Utrecht"}.'), lastText(chat));
  assert.equal(chat.messages.length, 2, "the answer goes on in the same message");
  await settled(gw, id, 2);
});

each("an approval, given and refused", [6, 7], async (ai) => {
  for (const approved of [true, false]) {
    const { chat, id } = page(gw, ai, {
      sendAutomaticallyWhen: ai.lastAssistantMessageIsCompleteWithApprovalResponses });
    await chat.sendMessage({ text: "/approve boat" });
    const { approval, state } = toolOf(chat, "tool-ship");
    assert.equal(state, "approval-requested");
    await chat.addToolApprovalResponse({ id: approval.id, approved });
    await settled(gw, id, 2);
    const wanted = approved ? "Approved, so boat is on its way." : "Denied, so boat stays here.";
    await until(() => chat.status === "ready" && lastText(chat).endsWith(wanted), () =>
      `${chat.status} ${chat.error} ${lastText(chat)}`);
    const tool = toolOf(chat, "tool-ship");
    assert.equal(tool.state, approved ? "output-available" : "output-denied");
    await chat.sendMessage({ text: "thanks" });
    assert.equal(lastText(chat), echo("thanks"));
  }
});

each("an approval survives a reload", [6, 7], async (ai) => {
  const before = page(gw, ai);
  await before.chat.sendMessage({ text: "/approve boat" });
  const after = page(gw, ai, { id: before.id, messages: plain(before.chat.messages),
    sendAutomaticallyWhen: ai.lastAssistantMessageIsCompleteWithApprovalResponses });
  await after.chat.resumeStream();
  const { approval } = toolOf(after.chat, "tool-ship");
  await after.chat.addToolApprovalResponse({ id: approval.id, approved: true });
  await until(() => after.chat.status === "ready" && lastText(after.chat).includes("on its way"),
    () => lastText(after.chat));
});

each("errors reach the page and the chat goes on", [5, 6, 7], async (ai) => {
  const { chat } = page(gw, ai);
  for (const text of ["/error the pump is broken", "/fail", "/fail-first"]) {
    await chat.sendMessage({ text });
    assert.equal(chat.status, "error", text);
    chat.clearError();
  }
  await chat.sendMessage({ text: "and on" });
  assert.equal(lastText(chat), echo("and on"), `${chat.error}`);
});

each("reasoning, steps, files, sources, data and metadata", [5, 6, 7], async (ai) => {
  const { chat } = page(gw, ai);
  await chat.sendMessage({ text: "/reason why" });
  assert.match(chat.messages.at(-1).parts.find(({ type }) => type === "reasoning").text, /tide/);
  await chat.sendMessage({ text: "/steps 3" });
  const steps = chat.messages.at(-1).parts.filter(({ type }) => type === "step-start");
  assert.equal(steps.length, 3);
  for (const [command, type] of [["/file", "file"], ["/source", "source-url"],
    ["/data", "data-result"]]) {
    await chat.sendMessage({ text: command });
    assert.ok(chat.messages.at(-1).parts.some((part) => part.type === type), command);
  }
  await chat.sendMessage({ text: "/message-metadata" });
  assert.deepEqual(chat.messages.at(-1).metadata, { mood: "calm", words: { count: 9 } });
});

async function until(done, what) {
  for (let attempt = 0; attempt < 6_000 && !done(); attempt += 1) {
    await new Promise((next) => setTimeout(next, 10));
  }
  assert.ok(done(), what());
}
