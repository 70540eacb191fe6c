// Bundles fixtures once for a test file, and runs isolates on them.

import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import { fileURLToPath } from "node:url";
import { bundle } from "../../dist/host/bundle/bundle.js";
import { findSdk } from "../../dist/host/bundle/sdk.js";
import { Isolate } from "../../dist/host/isolate.js";

export const fixture = (name) =>
  fileURLToPath(new URL(`../host/fixtures/${name}`, import.meta.url));

export function scratch() {
  const folder = mkdtempSync(join(tmpdir(), "tidegate-test-"));
  after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export async function isolates(...names) {
  const files = names.map(fixture);
  const path = await bundle({ files, sdk: findSdk(files), external: [], cache: scratch() });
  const made = [];
  after(() => Promise.all(made.map((isolate) => isolate.terminate())));
  return (memoryMb = 256) => {
    const isolate = new Isolate({ bundle: path, memoryMb });
    made.push(isolate);
    return isolate;
  };
}

/** Answers that a session has no records yet. All else is not there, now or later. */
export async function emptySessions() {
  const server = createServer((request, response) => {
    const records = request.url.includes("/records");
    response.writeHead(records ? 200 : 404, { "x-should-retry": "false" });
    response.end(records ? '{"records":[]}' : '{"error":"none"}');
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  after(() => (server.closeAllConnections(), server.close()));
  return `http://127.0.0.1:${server.address().port}`;
}

/** Boots a run that nobody else knows of. */
export function boot(isolate, url, what, workspace, more = {}) {
  const said = [];
  const run = {
    run: "run_1", session: "session_1", chat: "c1", agent: "behaviours", version: "7", attempt: 2,
    token: "the-run-token", payload: { chatId: "c1", metadata: { what } }, ...more,
  };
  isolate.boot({ t: "boot", boot: run, url, workspace }, {
    ready: () => said.push("ready"),
    parked: (seen) => said.push(["parked", seen]),
    unparked: () => said.push("unparked"),
  });
  return said;
}
