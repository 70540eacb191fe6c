// The TypeScript client in Chromium behind the protocol of spec/v1/suites/clients.md.

import { createHash, X509Certificate } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

import { build } from "esbuild";
import { chromium } from "playwright-core";

const FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
  "--disable-background-networking", "--disable-component-update", "--disable-sync"];
const TRANSPORTS = ["sse", "websocket", "webtransport"];

/** WebTransport takes a certificate that no authority knows by its hash alone. */
function hash(file) {
  const { raw } = new X509Certificate(readFileSync(file));
  return [...createHash("sha256").update(raw).digest()];
}

async function serve() {
  const entry = fileURLToPath(new URL("page.mjs", import.meta.url));
  const { outputFiles: [script] } = await build({ entryPoints: [entry], bundle: true,
    write: false, format: "iife", platform: "browser", target: "es2022", logLevel: "error" });
  const server = createServer((_, response) => {
    response.setHeader("content-type", "text/html; charset=utf-8");
    response.end(`<!doctype html><link rel="icon" href="data:,"><script>${script.text}</script>`);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return server;
}

/** Runs in the page. */
function begin({ value, transports }) {
  const hashes = [{ algorithm: "sha-256", value: new Uint8Array(value).buffer }];
  globalThis.adapter.begin({ name: "typescript-chromium", transports,
    options: { webTransport: { serverCertificateHashes: hashes } } });
}

const server = await serve();
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: FLAGS });
const context = await browser.newContext({ ignoreHTTPSErrors: true });
const page = await context.newPage();
page.on("pageerror", (error) => console.error(error));
await page.goto(`http://127.0.0.1:${server.address().port}/`);
await page.evaluate(begin, { value: hash(process.env.TIDEGATE_CA_FILE), transports: TRANSPORTS });
for await (const line of createInterface({ input: process.stdin, crlfDelay: Infinity })) {
  const said = await page.evaluate((asked) => globalThis.adapter.answer(asked), line);
  process.stdout.write(`${said}\n`);
}
await browser.close();
server.closeAllConnections();
server.close();
