// The warm place of a head start: a model behind an OpenAI-compatible API, whose steps the tests
// tell and hold.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { once } from "node:events";
import { after } from "node:test";
import { call, eventually } from "../../lib/wire.mjs";
import { PATIENCE, ofType } from "./started.mjs";
import { messageText } from "./talk.mjs";

const parameters = (properties) =>
  ({ type: "object", properties, required: Object.keys(properties) });

/** What the model is told of the agent's tools. */
const TOOLS = [
  { name: "weather", parameters: parameters({ city: { type: "string" } }) },
  { name: "broken", parameters: parameters({}) },
  { name: "pause", parameters: parameters({ key: { type: "string" } }) },
  { name: "pay", parameters: parameters({}), needs_approval: true },
];

// ---- what a step does: `(reply, entry)` each ---------------------------------------------------

/** Something that a test opens: `wait` resolves once `open` was called. */
export function gate() {
  const made = {};
  made.wait = new Promise((done) => (made.open = done));
  return made;
}

/** Says words; `before` is waited for in front of the first, `hold` in front of the last. */
export const says = (text, { before, hold } = {}) => async (reply) => {
  await before?.wait;
  const words = text.split(/(?<= )/);
  for (const [at, word] of words.entries()) {
    if (at === words.length - 1) await hold?.wait;
    reply.text(word);
  }
  reply.end("stop");
};

/** Says something and calls tools, `[name, input]` each; an input that is text goes as it is. */
export const calls = (some, { said = "Let me see. ", hold } = {}) => async (reply) => {
  if (said) reply.text(said);
  for (const [at, call] of some.entries()) reply.call(at, ...call);
  await hold?.wait;
  reply.end("tool_calls");
};

/** Thinks, then says something. */
export const thinks = (thought, text) => async (reply) => {
  reply.delta({ reasoning_content: thought });
  reply.text(text);
  reply.end("stop");
};

/** Hangs up after some words; without them before the first. */
export const breaks = (text, { hold } = {}) => async (reply) => {
  if (text) await reply.text(text);
  else reply.delta({ role: "assistant", content: "" });
  await hold?.wait;
  reply.destroy();
};

/** Answers with an error, and hangs up without an answer at all. */
export const refuses = ({ before } = {}) => async (reply) => {
  await before?.wait;
  reply.refuse(500);
};
export const vanishes = () => async (reply) => reply.destroy();

class Reply {
  constructor(answer) {
    this.answer = answer;
  }
  /** Resolves once it went out. */
  write(text) {
    if (!this.answer.headersSent) {
      this.answer.writeHead(200, { "content-type": "text/event-stream" });
    }
    return new Promise((done) => this.answer.write(text, done));
  }
  delta(delta, finish = null) {
    const choices = [{ index: 0, delta, finish_reason: finish }];
    return this.write(`data: ${JSON.stringify({ id: "x", object: "chat.completion.chunk",
      created: 1, model: "m", choices })}\n\n`);
  }
  text(content) {
    return this.delta({ content });
  }
  call(index, name, input) {
    const args = typeof input === "string" ? input : JSON.stringify(input);
    return this.delta({ tool_calls: [{ index, id: `call-${index + 1}`, type: "function",
      function: { name, arguments: args } }] });
  }
  end(reason) {
    this.delta({}, reason);
    this.write("data: [DONE]\n\n");
    this.answer.end();
  }
  refuse(status) {
    this.answer.writeHead(status, { "content-type": "application/json" });
    this.answer.end('{"error":{"message":"the provider refuses"}}');
  }
  destroy() {
    this.answer.destroy();
  }
}

// ---- the model ---------------------------------------------------------------------------------

/**
 * A model for a test file. `tell(chat, ...steps)`: what it does when it is asked for that chat,
 * whose messages have to name it (`replace`: only these); `asks(chat)`: the requests that came for
 * it, with a promise `cut` for the end of each socket.
 */
export async function warmModel() {
  const scripts = new Map();
  const entries = [];
  const server = createServer(async (request, answer) => {
    if (request.method !== "POST") return answer.writeHead(404).end();
    const text = Buffer.concat(await request.toArray()).toString();
    const chat = [...scripts.keys()].find((some) => text.includes(some));
    const entry = { chat, body: JSON.parse(text), isOpen: true };
    entry.cut = new Promise((done) => answer.on("close", () => {
      entry.isOpen = false;
      done();
    }));
    entries.push(entry);
    const step = scripts.get(chat)?.shift() ?? refuses();
    await step(new Reply(answer), entry);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  after(() => {
    server.closeAllConnections();
    server.close();
  });
  const url = `http://127.0.0.1:${server.address().port}/v1`;
  const asks = (chat) => entries.filter((entry) => entry.chat === chat);
  return { url, asks,
    tell: (chat, ...steps) => scripts.set(chat, [...(scripts.get(chat) ?? []), ...steps]),
    replace: (chat, ...steps) => scripts.set(chat, steps),
    asked: (chat, count = 1) => eventually(() => asks(chat)[count - 1],
      `request ${count} for ${chat}`, PATIENCE),
    agent: (id, more) => warmAgent(id, { url, ...more }) };
}

/** TOML of an agent with a head start. */
export function warmAgent(id, { url, wait = "60s", tools = TOOLS }) {
  const rendered = tools.map((tool) => `{ ${Object.entries(tool)
    .map(([key, value]) => `${key} = ${inline(value)}`).join(", ")} }`);
  return `
[[agent]]
id = "${id}"
backend = "link"
head_start = { backend = "openai", url = "${url}", model = "m", wait = "${wait}", tools = [
  ${rendered.join(",\n  ")}
] }
`;
}

const inline = (value) => {
  if (Array.isArray(value)) return `[${value.map(inline).join(", ")}]`;
  if (typeof value !== "object") return JSON.stringify(value);
  const pairs = Object.entries(value).map(([key, some]) => `${key} = ${inline(some)}`);
  return `{ ${pairs.join(", ")} }`;
};

// ---- what has to hold --------------------------------------------------------------------------

/** The only id of a turn's message. */
export function onlyId(turn) {
  const ids = new Set(ofType(turn, "start").map(({ messageId }) => messageId));
  assert.equal(ids.size, 1, `one message: ${turn.types.join(" ")}`);
  return [...ids][0];
}

/** The fate of an input, once it has one. */
export const fateOf = (one, seq) => eventually(async () =>
  (await one.fates()).find((fate) => fate.seq === seq && fate.fate !== null),
`the fate of ${seq}`, PATIENCE);

/** Waits until what is stored covers every turn that ended. */
export const kept = (one) => eventually(async () => {
  const newest = (await one.turns()).at(-1)?.boundary.seqNum;
  const answer = await call(one.gw, `/api/v1/sessions/${one.chat}/transcript`);
  const { cursors } = await answer.json();
  return newest === undefined || Number(cursors?.lastOutEventId ?? -1) >= newest;
}, `what is stored of ${one.chat}`, PATIENCE);

/** Ends the chat's run once it has stored its turn, so that its agent is cold. */
export async function cool(one) {
  await kept(one);
  const { currentRunId } = await one.row();
  // One that is cancelled may still begin what comes right behind it.
  await one.payload({ trigger: "close" });
  await one.ended(currentRunId);
}

/** At rest nothing is owed, and each of `count` turns has one boundary. */
export async function atRest(one, count) {
  await eventually(async () => (await one.fates()).every(({ fate }) => fate !== null),
    `the fates of ${one.chat}`, PATIENCE);
  assert.equal((await one.turns()).length, count, "one boundary each");
}

/** The stored texts, once there are as many messages as `wanted` has. */
export async function stored(one, wanted) {
  const found = await one.saved((some) => some.length >= wanted.length &&
    messageText(some.at(-1)) === wanted.at(-1));
  assert.deepEqual(found.map(messageText), wanted);
  return found;
}

/** The model's view of a request: `role:text` each. */
export const lines = ({ body }) => body.messages.map(({ role, content }) =>
  `${role}:${typeof content === "string" ? content
    : (content ?? []).map(({ text }) => text ?? "").join("")}`);
