// A model behind an OpenAI-compatible endpoint that says one chunk for each nod of the test.

import { createServer } from "node:http";
import { once } from "node:events";
import { after } from "node:test";

const tool = (more) => ({ tool_calls: [{ index: 0, ...more }] });

/** What is said to `/COMMAND KEY`. */
const SAID = {
  "/held": (key) => [
    { reasoning_content: "I need " }, { reasoning_content: "a tool." },
    { content: "Let me " }, { content: "see. " },
    tool({ id: "call-1", type: "function", function: { name: "pause", arguments: "" } }),
    tool({ function: { arguments: JSON.stringify({ key }) } }),
  ],
  "/talk": () => [
    { reasoning_content: "I know " }, { reasoning_content: "that." },
    { content: "Here " }, { content: "it is." },
  ],
};

/** One request: nothing goes out of it without a nod. */
class Answer {
  #nods = 0;
  #waiting = () => undefined;
  asked = new Promise((done) => (this.begin = done));

  /** Lets `count` more chunks out. */
  nod(count = 1) {
    this.#nods += count;
    this.#waiting();
  }

  async nodded(at) {
    while (this.#nods <= at) await new Promise((done) => (this.#waiting = done));
  }
}

/** Starts one; `of(key)` is the answer to the message that names the key. */
export async function stepModel() {
  const answers = new Map();
  const of = (key) => {
    if (!answers.has(key)) answers.set(key, new Answer());
    return answers.get(key);
  };
  const server = createServer(async (request, response) => {
    const { messages } = JSON.parse(Buffer.concat(await request.toArray()).toString());
    const text = textOf(messages.findLast(({ role }) => role === "user"));
    const [command, key] = text.split(" ");
    const said = SAID[command]?.(key);
    response.writeHead(200, { "content-type": "text/event-stream" }).flushHeaders();
    if (said) await play(response, said, of(key));
    else write(response, { content: `Heard ${text}.` });
    write(response, {}, command === "/held" ? "tool_calls" : "stop");
    response.end("data: [DONE]\n\n");
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${server.address().port}/v1`, of };
}

/** The same step as the model of a customer's route makes it: parts of a stream, by nods. */
export const stepParts = (answer, key) => async function* () {
  answer.begin();
  const kinds = { reasoning_content: "reasoning", content: "text" };
  let open;
  for (const [at, delta] of SAID["/held"](key).entries()) {
    await answer.nodded(at);
    const [name, words] = Object.entries(delta)[0];
    const kind = kinds[name];
    if (open && open !== kind) yield { type: `${open}-end`, id: open };
    if (kind && open !== kind) yield { type: `${kind}-start`, id: kind };
    if (kind) yield { type: `${kind}-delta`, id: kind, delta: words };
    open = kind;
  }
  await answer.nodded(SAID["/held"](key).length);
  yield { type: "tool-call", toolCallId: "call-1", toolName: "pause",
    input: JSON.stringify({ key }) };
};

async function play(response, said, answer) {
  answer.begin();
  for (const [at, delta] of said.entries()) {
    await answer.nodded(at);
    write(response, delta);
  }
  await answer.nodded(said.length);
}

function write(response, delta, reason = null) {
  response.write(`data: ${JSON.stringify({ id: "x", object: "chat.completion.chunk", created: 1,
    model: "m", choices: [{ index: 0, delta, finish_reason: reason }] })}\n\n`);
}

const textOf = ({ content }) => typeof content === "string" ? content
  : content.map(({ text }) => text ?? "").join("");
