// The commands of spec/v1/suites/clients.md, wherever the client runs.

import { Client } from "../dist/client/index.js";
import { DECISIONS } from "./decisions.mjs";
import { errorOf } from "./errors.mjs";
import { Reader, read } from "./reader.mjs";

let setting;
let client;
let transport;
let calls = 0;
const readers = new Map();

const COMMANDS = {
  hello: () => ({ client: setting.name, transports: setting.transports,
    decisions: Object.keys(DECISIONS) }),

  open({ url, transport: wanted, token, tokens }) {
    COMMANDS.reset();
    transport = wanted === "auto" ? undefined : wanted;
    const next = () => tokens[Math.min(calls++, tokens.length - 1)];
    // The one that is asked for comes first; the others are there to move to.
    const order = [wanted, ...setting.transports.filter((one) => one !== wanted)];
    client = new Client({ url, ...setting.options, token: tokens == null ? token : next,
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

  async create({ agent, external_id: chat }) {
    const made = await client.session(chat).create({ agent });
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

  async subscribe({ session, sub, after, start, channel, side, transport: own }) {
    const asked = given({ after, start, channel, side, transport: own ?? transport });
    const reader = new Reader(client.session(session).subscribe(asked), after ?? null);
    await reader.live();
    readers.set(sub, reader);
    return { transport: reader.transport };
  },

  next: ({ sub, ...asked }) => read(readers.get(sub), asked),

  async move({ sub, transport: to }) {
    const reader = readers.get(sub);
    reader.move(to);
    await reader.live(to);
    return {};
  },

  state({ sub }) {
    const { cursor, transport: over } = readers.get(sub);
    return { cursor, transport: over };
  },

  unsubscribe({ sub }) {
    readers.get(sub).close();
    return {};
  },

  decide: async ({ name: what, case: asked }) => ({ decision: await DECISIONS[what](asked) }),
};


/** `name` of the client, the `transports` that there are, `options` for each `Client`. */
export function begin(given) {
  setting = given;
}

/** The line that answers a line. */
export async function answer(line) {
  const { id, do: name, ...asked } = JSON.parse(line);
  let said;
  try {
    said = await COMMANDS[name](asked);
  } catch (error) {
    said = { error: errorOf(error) };
  }
  return JSON.stringify({ id, ...said });
}

export const end = () => void COMMANDS.reset();

function given(keys) {
  return Object.fromEntries(Object.entries(keys).filter(([, value]) => value != null));
}
