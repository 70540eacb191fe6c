// A model behind an OpenAI-compatible endpoint, in a process of its own: its first token comes
// after as many milliseconds as its path says, then WORDS more, PACE_MS apart. The first token is
// how long it really took, and when it was asked. And a board on which agents note that they have
// booted.

import { createServer } from "node:http";

const WORDS = 20;
const PACE_MS = 10;

const booted = new Map();

const server = createServer(async (request, response) => {
  const received = performance.now();
  const [, kind, name] = request.url.split("/");
  for await (const _ of request);
  if (kind === "booted") return board(request.method, name, response);
  answer(received, Number(kind), response);
});

function answer(received, first, response) {
  const write = (delta, reason = null) => response.write(`data: ${JSON.stringify({ id: "x",
    object: "chat.completion.chunk", created: 1, model: "m",
    choices: [{ index: 0, delta, finish_reason: reason }] })}\n\n`);
  response.writeHead(200, { "content-type": "text/event-stream" }).flushHeaders();
  const asked = performance.timeOrigin + received;
  let said = 0;
  const next = () => {
    if (said > WORDS) {
      write({}, "stop");
      return response.end("data: [DONE]\n\n");
    }
    const took = () => (performance.now() - received).toFixed(1);
    const content = said === 0 ? `${took()}@${asked.toFixed(1)}` : ` w${said}`;
    write({ content });
    said += 1;
    const due = received + first + (said > WORDS ? WORDS : said) * PACE_MS;
    setTimeout(next, Math.max(0, due - performance.now()));
  };
  setTimeout(next, first);
}

/** A POST says that a chat's agent has booted; a GET is answered once it has. */
function board(method, chat, response) {
  const entry = booted.get(chat) ?? {};
  booted.set(chat, entry);
  entry.wait ??= new Promise((done) => (entry.done = done));
  if (method === "POST") entry.done();
  entry.wait.then(() => response.end());
}

server.listen(0, "127.0.0.1", () => {
  console.log(`serving http://127.0.0.1:${server.address().port}`);
});
