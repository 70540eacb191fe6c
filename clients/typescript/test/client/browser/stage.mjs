// Chromium, and a server for the pages of these tests.

import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { after } from "node:test";
import { build } from "esbuild";
import { chromium } from "playwright-core";

const FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
  "--disable-background-networking", "--disable-component-update", "--disable-sync"];

/** Opens `pages/NAME` in tabs of one browser. `quic`: it may use UDP, and takes any certificate. */
export async function stage({ quic = false } = {}) {
  const scripts = new Map();
  const server = createServer(async (request, response) => {
    const [, name, file] = new URL(request.url, "http://x").pathname.split("/");
    if (file === "main.js") {
      response.setHeader("content-type", "text/javascript");
      return response.end(scripts.get(name));
    }
    if (!scripts.has(name)) scripts.set(name, await bundle(name));
    response.setHeader("content-type", "text/html; charset=utf-8");
    response.end(`<!doctype html><title>${name}</title><link rel="icon" href="data:,">
<div id="root"></div><script type="module" src="/${name}/main.js"></script>`);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const profile = await mkdtemp(join(tmpdir(), "tidegate-chromium-"));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", headless: true,
    args: quic ? FLAGS : [...FLAGS, "--disable-quic"], ignoreHTTPSErrors: quic });
  context.setDefaultTimeout(60_000);
  after(async () => {
    await context.close();
    await rm(profile, { recursive: true, force: true });
    server.closeAllConnections();
    server.close();
  });
  const errors = [];
  const open = async (name, query = "") => {
    const page = await context.newPage();
    page.on("pageerror", (error) => errors.push(error.message));
    await page.goto(`http://127.0.0.1:${server.address().port}/${name}/${query}`);
    return page;
  };
  return { context, open, errors };
}

async function bundle(name) {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL(`../pages/${name}`, import.meta.url))],
    bundle: true, write: false, format: "esm", platform: "browser", target: "es2022",
    jsx: "automatic", logLevel: "error",
    define: { "process.env.NODE_ENV": '"production"', "process.env": "{}" },
  });
  return outputFiles[0].text;
}
