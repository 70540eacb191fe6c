// A model behind the API of OpenAI that does what the last message of the user scripts:
// `model ITEM + ITEM …`, where an item is
//   text WORDS        the words, one by one
//   call TOOL INPUT   calls a tool
//   wait MS           a pause
//   hang              nothing more, until the connection is closed
//   break             the connection is broken
// Anything else is refused with 500.

import { once } from "node:events";
import { createServer } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { after } from "node:test";

/** Starts it for one test file. `requests` are the bodies that it was asked. */
export async function scriptedModel() {
  const requests = [];
  const server = createServer((request, response) => {
    answer(request, response, requests).catch(() => response.destroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${server.address().port}/v1`, requests };
}

async function answer(request, response, requests) {
  let body = "";
  for await (const piece of request) body += piece;
  // A connection that is made ahead asks for nothing of ours.
  if (request.method !== "POST") return response.writeHead(404).end();
  const asked = JSON.parse(body);
  requests.push(asked);
  const said = textOf(asked.messages.findLast(({ role }) => role === "user"));
  if (!said.startsWith("model ")) return response.writeHead(500).end("{}");
  response.writeHead(200, { "content-type": "text/event-stream" });
  const send = (delta, reason = null) => response.write(`data: ${JSON.stringify({ id: "x",
    object: "chat.completion.chunk", created: 0, model: asked.model,
    choices: [{ index: 0, delta, finish_reason: reason }] })}\n\n`);
  send({ role: "assistant", content: "" });
  const items = said.slice("model ".length).split(" + ");
  let calls = 0;
  for (const item of items) {
    const [, kind, rest] = /^(\w+) ?(.*)$/s.exec(item);
    if (kind === "hang") return;
    if (kind === "break") return response.destroy();
    if (kind === "wait") await sleep(Number(rest));
    if (kind === "text") for (const word of rest.split(/(?<= )/)) send({ content: word });
    if (kind === "call") call(rest, calls++, send);
  }
  send({}, calls > 0 ? "tool_calls" : "stop");
  response.end("data: [DONE]\n\n");
}

function call(given, index, send) {
  const [, name, input] = /^(\w+) (.*)$/s.exec(given);
  const id = `call-${index + 1}`;
  send({ tool_calls: [{ index, id, type: "function", function: { name, arguments: "" } }] });
  // In two pieces, as models send it.
  for (const piece of [input.slice(0, 3), input.slice(3)]) {
    send({ tool_calls: [{ index, function: { arguments: piece } }] });
  }
}

const textOf = ({ content }) =>
  (typeof content === "string" ? content : content.map(({ text }) => text ?? "").join(""));
