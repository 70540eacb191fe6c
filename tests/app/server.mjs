// A small web server: the page, and the actions that need the secret key.

import { createServer } from "node:http";
import { randomUUID } from "node:crypto";
import {
  isKnown, loadTranscript, mintChatAccessToken, remember, startChatSession,
} from "./actions.mjs";
import { bundle } from "./bundle.mjs";

const PORT = Number(process.env.PORT ?? 3000);
const GATEWAY = process.env.TRIGGER_API_URL ?? "http://127.0.0.1:8787";
const AGENT = process.env.AGENT ?? "demo";

const script = await bundle(new URL("./page/main.jsx", import.meta.url));
const html = `<!doctype html>
<meta charset="utf-8">
<title>Chat</title>
<link rel="icon" href="data:,">
<style>body { font: 16px/1.5 sans-serif; max-width: 40rem; margin: 2rem auto }</style>
<div id="root"></div>
<script>window.SETTINGS = ${JSON.stringify({ gateway: GATEWAY, agent: AGENT })}</script>
<script type="module" src="/main.js"></script>`;

/** `METHOD /path` with `:id` for the chat. Each gets the chat id and the request's JSON. */
const actions = {
  "POST /api/chat/:id/start": (chatId, { clientData }) => startChatSession({ chatId, clientData }),
  "POST /api/chat/:id/token": async (chatId) => ({ token: await mintChatAccessToken(chatId) }),
  "POST /api/chat/:id/open": async (chatId) => {
    remember(chatId);
    return { token: await mintChatAccessToken(chatId) };
  },
  "GET /api/chat/:id": async (chatId) => {
    if (!isKnown(chatId)) return { messages: [] };
    const [token, transcript] = await Promise.all([
      mintChatAccessToken(chatId), loadTranscript({ chatId })]);
    return { token, ...transcript };
  },
};

const server = createServer(async (request, response) => {
  const { pathname } = new URL(request.url, "http://app");
  try {
    if (pathname === "/") return redirect(response, `/chat/${randomUUID()}`);
    if (pathname === "/main.js") return reply(response, "text/javascript", script);
    if (/^\/(chat|ai-sdk|socket)\/[^/]+$/.test(pathname)) return reply(response, "text/html", html);
    const [, chatId, rest] = pathname.match(/^\/api\/chat\/([^/]+)(\/\w+)?$/) ?? [];
    const action = actions[`${request.method} /api/chat/:id${rest ?? ""}`];
    if (!action || !chatId) return reply(response, "text/plain", "not found", 404);
    const body = Buffer.concat(await request.toArray()).toString();
    const result = await action(decodeURIComponent(chatId), body ? JSON.parse(body) : {});
    reply(response, "application/json", JSON.stringify(result));
  } catch (error) {
    console.error(error);
    reply(response, "text/plain", error.message, 500);
  }
});

function reply(response, type, body, status = 200) {
  response.writeHead(status, { "content-type": `${type}; charset=utf-8` }).end(body);
}

function redirect(response, location) {
  response.writeHead(303, { location }).end();
}

server.listen(PORT, "127.0.0.1", () => {
  console.log(`http://127.0.0.1:${server.address().port}`);
});
process.on("SIGTERM", () => {
  server.closeAllConnections();
  server.close(() => process.exit(0));
});
