// Firefox by WebDriver BiDi, which it speaks itself: no driver between, no package for it.

import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

const require = createRequire(new URL("../compat/package.json", import.meta.url));
const WebSocket = require("ws");

const PROGRAM = process.env.FIREFOX ?? "/usr/bin/firefox-esr";

/** Starts one. `evaluate(url, fn, argument)` runs `fn` in a page and gives what it returns. */
export async function firefox() {
  const profile = mkdtempSync(path.join(tmpdir(), "tidegate-firefox-"));
  const child = spawn(PROGRAM, ["--headless", "--no-remote", "--remote-debugging-port", "0",
    "--profile", profile], { stdio: ["ignore", "ignore", "pipe"],
    env: { ...process.env, HOME: profile, MOZ_CRASHREPORTER_DISABLE: "1" } });
  const ended = new Promise((done) => child.on("exit", done));
  try {
    const command = await session(await address(child));
    const { capabilities } = await command("session.new", { capabilities: {} });
    const close = async () => {
      child.kill("SIGKILL");
      await ended;
      rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
    };
    return { version: capabilities.browserVersion, close,
      evaluate: (url, fn, argument) => evaluate(command, url, fn, argument) };
  } catch (error) {
    child.kill("SIGKILL");
    throw error;
  }
}

/** What it says on its standard error once it listens; that is read for as long as it runs. */
function address(child) {
  let said = "";
  return new Promise((done, failed) => {
    child.stderr.on("data", (text) => {
      said += text;
      const found = /WebDriver BiDi listening on (ws:\S+)/.exec(said);
      if (found) done(found[1]);
    });
    child.on("error", failed);
    child.on("exit", () => failed(new Error(`Firefox ended: ${said}`)));
  });
}

/** Gives a function that sends a command and waits for its result. */
async function session(url) {
  const socket = new WebSocket(`${url}/session`, { perMessageDeflate: false });
  const waiting = new Map();
  socket.on("message", (data) => {
    const { id, type, result, error, message } = JSON.parse(String(data));
    const { done, failed } = waiting.get(id) ?? {};
    if (type === "success") done?.(result);
    else failed?.(new Error(`${error}: ${message}`));
  });
  socket.on("close", () => {
    for (const { failed } of waiting.values()) failed(new Error("Firefox is gone"));
  });
  await new Promise((done, failed) => socket.on("open", done).on("error", failed));
  return (method, params) => new Promise((done, failed) => {
    waiting.set(waiting.size + 1, { done, failed });
    socket.send(JSON.stringify({ id: waiting.size, method, params }));
  });
}

async function evaluate(command, url, fn, argument) {
  const { context } = await command("browsingContext.create", { type: "tab" });
  await command("browsingContext.navigate", { context, url, wait: "complete" });
  const text = `(${fn})(${JSON.stringify(argument)}).then(JSON.stringify)`;
  const { type, result, exceptionDetails } = await command("script.evaluate",
    { expression: text, target: { context }, awaitPromise: true });
  if (type !== "success") throw new Error(exceptionDetails.text);
  return JSON.parse(result.value);
}
