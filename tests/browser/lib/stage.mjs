// The gateway, the example app, the pages of these tests, and a browser.

import { spawn } from "node:child_process";
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { mkdtemp, rm } from "node:fs/promises";
import { once } from "node:events";
import { Readable } from "node:stream";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { after } from "node:test";
import { chromium } from "playwright-core";
import { freePort, gateway } from "../../compat/harness.mjs";
import { bundle } from "../../app/bundle.mjs";

const CHROMIUM = process.env.CHROMIUM ?? "/usr/bin/chromium";
const FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
  "--disable-background-networking", "--disable-component-update", "--disable-sync",
  "--disable-quic"];

const PATIENCE_MS = 120_000;

/**
 * Everything that a file of browser tests needs; stopped at its end. `given`: another gateway;
 * `agent`: who answers; `route`: a Fetch style handler of POSTs to `/route` beside the pages.
 */
export async function stage(given, { agent = "steady", route } = {}) {
  const gw = given ?? (await gateway());
  const app = await startApp(gw, agent);
  const pages = await servePages(gw, agent, route);
  const profile = await mkdtemp(join(tmpdir(), "tidegate-chromium-"));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: CHROMIUM, headless: true, args: FLAGS });
  // A slow machine is no fault of a page.
  context.setDefaultTimeout(PATIENCE_MS);
  after(async () => {
    await context.close();
    await rm(profile, { recursive: true, force: true });
    pages.close();
    await app.stop();
  });
  const errors = [];
  const open = async (url) => {
    const page = await context.newPage();
    page.on("pageerror", (error) => errors.push(`${url}: ${error.message}`));
    await page.goto(url);
    return page;
  };
  const noErrors = () => assert.deepEqual(errors.splice(0), [], "errors in the page");
  return { gw, app: app.url, pages: pages.url, context, open, noErrors };
}

const settings = (gw, agent) =>
  ({ AGENT: agent, TRIGGER_API_URL: gw.url, TRIGGER_SECRET_KEY: gw.key });

async function startApp(gw, agent) {
  const port = await freePort();
  const server = fileURLToPath(new URL("../../app/server.mjs", import.meta.url));
  const child = spawn(process.execPath, [server], { stdio: ["ignore", "pipe", "inherit"],
    env: { PATH: process.env.PATH, PORT: String(port), ...settings(gw, agent) } });
  const [line] = await once(child.stdout, "data");
  const stop = async () => {
    child.kill("SIGTERM");
    await once(child, "exit");
  };
  return { url: String(line).trim(), stop };
}

/** Serves `pages/NAME.jsx` at `/NAME/CHAT-ID`, with the server actions. */
async function servePages(gw, agent, route) {
  Object.assign(process.env, settings(gw, agent));
  const { startChatSession, mintChatAccessToken, loadTranscript } =
    await import("../../app/actions.mjs");
  const scripts = new Map();
  const server = createServer(async (request, response) => {
    const [, name, id, action] = new URL(request.url, "http://x").pathname.split("/");
    const chatId = decodeURIComponent(id ?? "");
    if (name === "route") return forward(route, request, response);
    if (action === "start") return response.end(JSON.stringify(await startChatSession({ chatId })));
    if (action === "token") {
      return response.end(JSON.stringify({ token: await mintChatAccessToken(chatId) }));
    }
    if (action === "load") return response.end(JSON.stringify(await loadTranscript({ chatId })));
    if (id === "main.js") {
      response.setHeader("content-type", "text/javascript");
      return response.end(scripts.get(name));
    }
    if (!scripts.has(name)) {
      scripts.set(name, await bundle(new URL(`../pages/${name}.jsx`, import.meta.url)));
    }
    response.setHeader("content-type", "text/html; charset=utf-8");
    response.end(`<!doctype html><title>${name}</title><link rel="icon" href="data:,">
      <div id="root"></div><script>window.GATEWAY = ${JSON.stringify(gw.url)};
        window.AGENT = ${JSON.stringify(agent)}</script>
      <script type="module" src="/${name}/main.js"></script>`);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return { url: `http://127.0.0.1:${server.address().port}`, close: () => {
    server.closeAllConnections();
    server.close();
  } };
}

/** Answers with a Fetch style handler, as a framework does. */
async function forward(route, request, response) {
  const leaving = new AbortController();
  response.on("close", () => leaving.abort());
  const body = Buffer.concat(await request.toArray()).toString();
  const answer = await route(new Request("http://route/", { method: "POST", body,
    headers: { "content-type": "application/json" }, signal: leaving.signal }));
  response.writeHead(answer.status, Object.fromEntries(answer.headers));
  Readable.fromWeb(answer.body).on("error", () => response.destroy()).pipe(response);
}
