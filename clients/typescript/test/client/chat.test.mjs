// The transport under the chat of `ai` 5, 6 and 7, against the real gateway.

import assert from "node:assert/strict";
import { test } from "node:test";
import * as ai5 from "ai5";
import * as ai6 from "ai";
import * as ai7 from "ai7";
import { TidegateChatTransport, pageMemory } from "../../dist/client/index.js";
import { client, gateway, newSession, words } from "./lib.mjs";

const gw = await gateway();

for (const [version, ai] of [["5", ai5], ["6", ai6], ["7", ai7]]) {
  const chat = chats(ai);

  test(`ai ${version}: messages, a stop, a regenerate`, async () => {
    const { name } = await newSession(gw);
    const one = chat(name);
    await one.sendMessage({ text: "/words 5" });
    assert.deepEqual(texts(one), ["/words 5", words(5)]);
    assert.equal(one.status, "ready");

    const sending = one.sendMessage({ text: "/words 5000" });
    await until(() => texts(one)[3]?.includes("word-3 "));
    await one.stop();
    await sending;
    const cut = texts(one).at(-1);
    assert.ok(words(5000).startsWith(cut) && cut.length < words(5000).length, cut);

    await one.sendMessage({ text: "/words 4" });
    assert.equal(texts(one).at(-1), words(4));
    assert.equal(texts(one).at(-3), cut, "the stopped answer stays as it was");

    const before = one.messages.at(-1).id;
    await one.regenerate();
    assert.match(texts(one).at(-1), new RegExp(`^Once more, .*${words(4)}$`));
    assert.notEqual(one.messages.at(-1).id, before);
    assert.equal(one.messages.length, 6);
  });

  test(`ai ${version}: a page that was reloaded goes on in the middle of an answer`, async () => {
    const { name } = await newSession(gw);
    const memory = pageMemory();
    const one = chat(name, { memory });
    await one.sendMessage({ text: "/words 2" });
    void one.sendMessage({ text: "/words 80" });
    await until(() => texts(one)[3]?.includes("word-9 "));
    const saved = one.messages.slice(0, 3);
    one.transport.close();

    const other = chat(name, { memory, messages: saved });
    await other.resumeStream();
    assert.deepEqual(texts(other), ["/words 2", words(2), "/words 80", words(80)]);

    const late = chat(name, { memory, messages: other.messages });
    await late.resumeStream();
    assert.deepEqual(texts(late), ["/words 2", words(2), "/words 80", words(80)]);
    assert.equal(late.status, "ready");
  });

  test(`ai ${version}: another device joins a turn that it knows nothing of`, async () => {
    const { name } = await newSession(gw);
    const one = chat(name);
    const other = chat(name);
    await other.resumeStream();
    assert.deepEqual(texts(other), [], "nothing runs yet");
    const sending = one.sendMessage({ text: "/words 60" });
    await until(() => texts(one)[1]?.includes("word-5 "));
    await other.resumeStream();
    assert.deepEqual(texts(other), [words(60)]);
    await sending;
  });
}

test("a turn of others that runs when we send is not taken for our answer", async () => {
  const { name } = await newSession(gw);
  const chat = chats(ai6);
  const one = chat(name);
  const other = chat(name);
  const first = one.sendMessage({ text: "/words 40" });
  await until(() => texts(one)[1]?.includes("word-5 "));
  await other.sendMessage({ text: "/words 3" });
  await first;
  assert.deepEqual(texts(other), ["/words 3", words(3)]);
  assert.deepEqual(texts(one), ["/words 40", words(40)]);
});

test("watching tells of turns of others, also of those that are over by then", async () => {
  const { name } = await newSession(gw, "demo");
  const watcher = transport();
  let turns = 0;
  let live = false;
  const stop = watcher.watch(name, { turn: () => (turns += 1),
    event: ({ state }) => (live ||= state === "live") });
  await until(() => live);
  const session = client(gw).session(name);
  await session.send("/words 3");
  await session.send("/words 4");
  await until(() => turns === 2);
  const seen = [await answer(watcher, name), await answer(watcher, name)];
  assert.deepEqual(seen, [words(3), words(4)]);
  assert.equal(watcher.joinable(name), false);
  stop();
});

test("actions, approvals and tool outputs go out as the gateway wants them", async () => {
  const { name } = await newSession(gw, "demo");
  const one = chats(ai6)(name);
  await one.sendMessage(undefined, { body: { action: { type: "say", text: "acted" } } });
  assert.equal(texts(one).at(-1), "acted");
  await one.sendMessage({ text: "/approve" });
  const part = one.messages.at(-1).parts.find(({ state }) => state === "approval-requested");
  assert.ok(part, JSON.stringify(one.messages.at(-1).parts));
  await one.addToolApprovalResponse({ id: part.approval.id, approved: true });
  const asked = one.messages.at(-1).id;
  await one.sendMessage();
  assert.equal(one.messages.at(-1).id, asked, "the answer goes on in its message");
  assert.ok(one.messages.at(-1).parts.some(({ state }) => state === "output-available"));
});

async function answer(from, chatId) {
  const stream = await from.reconnectToStream({ chatId });
  let text = "";
  for await (const chunk of stream) if (chunk.type === "text-delta") text += chunk.delta;
  return text;
}

function transport(options = {}) {
  return new TidegateChatTransport({ client: client(gw, { transports: ["sse"] }), ...options });
}

/** Chats of a version of `ai`, each with a transport of its own, as in a page of its own. */
function chats(ai) {
  return (id, { memory, messages = [] } = {}) => {
    const own = transport(memory === undefined ? {} : { memory });
    class Chat extends ai.AbstractChat {
      constructor() {
        super({ id, transport: own, messages, state: new State(messages), generateId: ai.generateId,
          onError: (error) => (this.failure = error) });
        this.transport = own;
      }
    }
    return new Chat();
  };
}

class State {
  status = "ready";
  error = undefined;
  constructor(messages) {
    this.messages = structuredClone(messages);
  }

  pushMessage = (message) => (this.messages = [...this.messages, message]);
  popMessage = () => (this.messages = this.messages.slice(0, -1));
  replaceMessage = (index, message) => (this.messages = this.messages.with(index,
    structuredClone(message)));

  snapshot = (value) => structuredClone(value);
}

function texts(chat) {
  return chat.messages.map(({ parts }) =>
    parts.map((part) => (part.type === "text" ? part.text : "")).join(""));
}

async function until(holds) {
  while (!holds()) await new Promise((later) => setTimeout(later, 5));
}
