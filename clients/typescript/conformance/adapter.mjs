// The TypeScript client behind the protocol of spec/v1/suites/clients.md.

import { createInterface } from "node:readline";

import WebSocket from "ws";

import { Client } from "../dist/client/index.js";
import { DECISIONS } from "./decisions.mjs";
import { errorOf } from "./errors.mjs";
import { Reader, read } from "./reader.mjs";

const TRANSPORTS = ["sse", "websocket"];

let client;
let transport;
let calls = 0;
const readers = new Map();

const COMMANDS = {
  hello: () => ({ client: "typescript", transports: TRANSPORTS,
    decisions: Object.keys(DECISIONS) }),

  open({ url, transport: name, token, tokens }) {
    COMMANDS.reset();
    transport = name === "auto" ? undefined : name;
    const next = () => tokens[Math.min(calls++, tokens.length - 1)];
    // The one that is asked for comes first; the other one is there to move to.
    const order = [name, ...TRANSPORTS.filter((one) => one !== name)];
    client = new Client({ url, WebSocket, token: tokens == null ? token : next,
      transports: transport === undefined ? "auto" : order });
    return {};
  },

  reset() {
    client?.close();
    client = undefined;
    readers.clear();
    calls = 0;
    return {};
  },

  token_calls: () => ({ calls }),

  async create({ agent, external_id: name }) {
    const made = await client.session(name).create({ agent });
    return { session: made.id, token: made.publicAccessToken, cached: made.isCached };
  },

  async close_session({ session, reason }) {
    const { closedReason } = await client.session(session).close(reason ?? undefined);
    return { closed_reason: closedReason };
  },

  async append({ session, body, part, channel, side }) {
    const pending = client.session(session).append(body,
      given({ partId: part, channel, side }));
    return { seq: (await pending).seq, part: pending.partId };
  },

  send: async ({ session, text }) => ({ seq: (await client.session(session).send(text)).seq }),
  stop: async ({ session }) => ({ seq: (await client.session(session).stop()).seq }),
  action: async ({ session, action }) =>
    ({ seq: (await client.session(session).action(action)).seq }),

  async answer({ session, text }) {
    const chat = client.session(session);
    const reader = new Reader(chat.subscribe(given({ start: "latest", transport })));
    try {
      await reader.live();
      const { seq } = await chat.send(text);
      return await reader.answer(seq);
    } finally {
      reader.close();
    }
  },

  async subscribe({ session, sub, after, start, channel, side, transport: name }) {
    const options = given({ after, start, channel, side, transport: name ?? transport });
    const reader = new Reader(client.session(session).subscribe(options), after ?? null);
    await reader.live();
    readers.set(sub, reader);
    return { transport: reader.transport };
  },

  next: ({ sub, ...asked }) => read(readers.get(sub), asked),

  async move({ sub, transport: name }) {
    const reader = readers.get(sub);
    reader.move(name);
    await reader.live(name);
    return {};
  },

  state({ sub }) {
    const { cursor, transport: name } = readers.get(sub);
    return { cursor, transport: name };
  },

  unsubscribe({ sub }) {
    readers.get(sub).close();
    return {};
  },

  decide: async ({ name, case: asked }) => ({ decision: await DECISIONS[name](asked) }),
};

function given(keys) {
  return Object.fromEntries(Object.entries(keys).filter(([, value]) => value != null));
}

for await (const line of createInterface({ input: process.stdin, crlfDelay: Infinity })) {
  const { id, do: name, ...asked } = JSON.parse(line);
  let answer;
  try {
    answer = await COMMANDS[name](asked);
  } catch (error) {
    answer = { error: errorOf(error) };
  }
  process.stdout.write(`${JSON.stringify({ id, ...answer })}\n`);
}
COMMANDS.reset();
