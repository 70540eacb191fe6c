// Backends that misbehave: one visible error, one boundary, and the chat goes on.

import assert from "node:assert/strict";
import { createServer } from "node:net";
import { once } from "node:events";
import { after, test } from "node:test";
import { freePort, gateway } from "../harness.mjs";
import { all, newChat, newTransport, send, textOf } from "../lib/chats.mjs";
import { configure } from "../lib/sdk.mjs";
import { aiSdkAgent } from "../lib/upstream.mjs";
import { boundaries } from "../lib/wire.mjs";

const head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n" +
  "x-vercel-ai-ui-message-stream: v1\r\nconnection: close\r\n\r\n";
const event = (chunk) => `data: ${JSON.stringify(chunk)}\n\n`;
const begin = event({ type: "start", messageId: "m" }) + event({ type: "text-start", id: "t" }) +
  event({ type: "text-delta", id: "t", delta: "so far " });
const finish = event({ type: "text-end", id: "t" }) + event({ type: "finish" }) +
  "data: [DONE]\n\n";
const status = (line) => `HTTP/1.1 ${line}\r\ncontent-length: 4\r\nconnection: close\r\n\r\noops`;

/** What each kind of bad server writes before it closes the socket. */
const FAULTS = {
  "status-500": status("500 Internal Server Error"),
  "status-404": status("404 Not Found"),
  "status-401": status("401 Unauthorized"),
  "closes-at-once": "",
  "not-http": "SSH-2.0-OpenSSH\r\n",
  "garbage": `${head}\u0000\u0001 not an event stream \n\ndata: {{{\n\n`,
  "unknown-chunk": `${head}${begin}${event({ type: "no-such-chunk" })}${finish}`,
  "cut-mid-chunk": `${head}${begin}data: {"type":"text-de`,
  "not-a-stream": "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 13\r\n" +
    "connection: close\r\n\r\n<html></html>",
};
const sockets = new Set();
const servers = {};
for (const [name, bytes] of Object.entries(FAULTS)) servers[name] = await serve(bytes);
servers["ten-megabytes"] = await serve(head + begin +
  event({ type: "text-delta", id: "t", delta: "x".repeat(10 * 1024 * 1024) }) + finish);
servers.silent = await serve(null);
servers["silent-midway"] = await serve(head + begin, false);

const gw = await gateway({ agents: [
  ...Object.entries(servers).map(([name, { url }]) =>
    aiSdkAgent(name, url, "timeouts = { first_byte_ms = 1000, idle_ms = 1000 }")),
  aiSdkAgent("down", `http://127.0.0.1:${await freePort()}/api/chat`),
].join("") });
configure({ baseURL: gw.url, secretKey: gw.key });
after(() => {
  for (const socket of sockets) socket.destroy();
  for (const { server } of Object.values(servers)) server.close();
});

/** Writes `bytes` after each request; null is silence. Half-open servers never close. */
async function serve(bytes, closes = true) {
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {}).on("close", () => sockets.delete(socket));
    socket.once("data", () => {
      if (bytes === null) return;
      socket.write(bytes);
      if (closes) socket.end();
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return { server, url: `http://127.0.0.1:${server.address().port}/api/chat` };
}

const REPAIRED = new Set(["unknown-chunk"]);
for (const name of [...Object.keys(servers), "down"]) {
  test(`a backend that fails: ${name}`, { timeout: 240_000 }, async () => {
    const chat = newChat();
    const { transport } = newTransport(gw, { agent: name });
    for (let turn = 1; turn <= 2; turn += 1) {
      const chunks = await all(await send(transport, chat, "hi"));
      const errors = chunks.filter(({ type }) => type === "error");
      assert.ok(errors.length === 1 || (REPAIRED.has(name) && errors.length === 0),
        `${errors.length} errors: ${JSON.stringify(chunks).slice(0, 500)}`);
      for (const { errorText } of errors) assert.ok(errorText.length > 5, errorText);
      assert.ok(textOf(chunks).length < 2 * 1024 * 1024);
      assert.equal((await boundaries(gw, chat)).length, turn);
    }
    assert.equal((await fetch(`${gw.url}/ready`)).status, 200);
  });
}
