// What the package says of itself: the README's example runs, and a page loads nothing else.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { build } from "esbuild";
import { ENTRIES, size } from "../../scripts/size.mjs";
import { gateway } from "./lib.mjs";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

test("the example of the README runs", async () => {
  const gw = await gateway();
  const readme = await readFile(new URL("../../README.md", import.meta.url), "utf8");
  const [, example] = /## Follow chats\n\n```js\n(.*?)```/s.exec(readme);
  // What an application's server does.
  const server = `
    const ask = (path, body) => fetch(process.env.TIDEGATE_URL + path, { method: "POST",
      headers: { authorization: "Bearer " + process.env.KEY, "content-type": "application/json" },
      body: JSON.stringify(body) }).then((answer) => answer.json());
    const getToken = async (session) => (await ask("/api/v1/auth/public-tokens",
      { scopes: ["read:sessions:" + session, "write:sessions:" + session] })).token;
    const startSession = async (session) => (await ask("/api/v1/sessions", { type: "chat.agent",
      externalId: session, taskIdentifier: "demo", triggerConfig: { basePayload: {} } }))
      .publicAccessToken;\n`;
  const { stdout } = await promisify(execFile)(process.execPath,
    ["--input-type=module", "-e", server + example],
    { cwd: ROOT, env: { ...process.env, TIDEGATE_URL: gw.url, KEY: gw.key } });
  assert.deepEqual(stdout.trim().split(/\s+/), ["0", "36", "word-1", "word-2", "word-3"]);
});

test("the client loads nothing but itself", async (t) => {
  for (const [name, contents] of Object.entries(ENTRIES)) {
    const { metafile } = await build({ stdin: { contents, resolveDir: ROOT }, bundle: true,
      write: false, metafile: true, format: "esm", platform: "browser", absWorkingDir: ROOT,
      external: name.startsWith("tidegate/react") ? ["react", "@ai-sdk/react"] : [] });
    const others = Object.keys(metafile.inputs)
      .filter((file) => !/^(dist\/(client|react)\/|<stdin>)/.test(file));
    assert.deepEqual(others, [], name);
    const { min, gzip } = await size(contents);
    t.diagnostic(`${name}: ${min} bytes minified, ${gzip} gzipped`);
  }
});
