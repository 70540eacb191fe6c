// What is in the bundle and what is left where it is installed.

import assert from "node:assert/strict";
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { bundle } from "../../dist/host/bundle/bundle.js";
import { findSdk } from "../../dist/host/bundle/sdk.js";
import { Isolate } from "../../dist/host/isolate.js";
import { scratch } from "../support/isolates.mjs";

const MODULES = fileURLToPath(new URL("../../node_modules", import.meta.url));

/** A project elsewhere that has the SDK by a link, as some package managers install it. */
function project(files) {
  const root = scratch();
  mkdirSync(join(root, "node_modules"));
  symlinkSync(join(MODULES, "@trigger.dev"), join(root, "node_modules/@trigger.dev"));
  symlinkSync(join(MODULES, "ai"), join(root, "node_modules/ai"));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), text);
  }
  return { root, file: join(root, "agent.ts"), cache: join(root, "cache") };
}

async function loaded({ file, cache }, external = []) {
  const path = await bundle({ files: [file], sdk: findSdk([file]), external, cache });
  const isolate = new Isolate({ bundle: path, memoryMb: 128 });
  const ids = await isolate.loaded.then(({ definitions }) => definitions.map(({ id }) => id))
    .finally(() => isolate.terminate());
  return { ids, path };
}

/** An agent whose id is what the package says. */
const agentOf = (name) => `
  import { chat } from "@trigger.dev/sdk/ai";
  import { said } from "${name}";
  export const agent = chat.customAgent({ id: said, run: async () => undefined });`;

/** A package that reads a file beside itself. */
const packageOf = (name, more = {}) => ({
  [`node_modules/${name}/package.json`]: JSON.stringify({ name, main: "index.js", ...more }),
  [`node_modules/${name}/index.js`]:
    `exports.said = require("fs").readFileSync(require("path").join(__dirname, "id"), "utf8");`,
  [`node_modules/${name}/id`]: `${name}-was-here`,
});

test("a package with native parts is loaded from where it is installed", async () => {
  const built = packageOf("gyp", { dependencies: { "node-gyp-build": "1" } });
  const { ids } = await loaded(project({ "agent.ts": agentOf("gyp"), ...built }));
  assert.deepEqual(ids, ["gyp-was-here"]);
});

test("so is one that --external names; another one that needs its place fails", async () => {
  const given = project({ "agent.ts": agentOf("beside"), ...packageOf("beside") });
  assert.deepEqual((await loaded(given, ["beside"])).ids, ["beside-was-here"]);
  const failure = { name: "HostError", code: "load_failed", message: /ENOENT/ };
  await assert.rejects(loaded(given), failure);
});

test("own modules know where they are, and CommonJS ones get the same SDK", async () => {
  const given = project({
    "agent.ts": `
      import { readFileSync } from "node:fs";
      import { chat } from "@trigger.dev/sdk/ai";
      import "./older.cjs";
      const id = readFileSync(new URL("./id", import.meta.url), "utf8");
      export const agent = chat.customAgent({ id, run: async () => undefined });`,
    "older.cjs": `
      const { chat } = require("@trigger.dev/sdk/ai");
      const id = require("fs").readFileSync(__dirname + "/id", "utf8") + "-older";
      exports.agent = chat.customAgent({ id, run: async () => undefined });`,
    id: "by-url",
  });
  const { ids } = await loaded(given);
  assert.deepEqual(ids.sort(), ["by-url", "by-url-older"]);
});

test("the same files give the same bundle, others another one", async () => {
  const said = { "said.ts": `export const said = "a";` };
  const given = project({ "agent.ts": agentOf("./said.ts"), ...said });
  const first = await loaded(given);
  assert.equal((await loaded(given)).path, first.path);
  writeFileSync(join(given.root, "said.ts"), `export const said = "b";`);
  const second = await loaded(given);
  assert.notEqual(second.path, first.path);
  assert.deepEqual([first.ids, second.ids], [["a"], ["b"]]);
  assert.match(readFileSync(first.path, "utf8"), /sourceMappingURL/);
});

test("what can't be bundled is named", async () => {
  const { file, cache } = project({ "agent.ts": `import "not-installed";` });
  const options = { files: [file], sdk: findSdk([file]), external: [], cache };
  const refusal = { name: "HostError", code: "bundle_failed", message: /not-installed/ };
  await assert.rejects(bundle(options), refusal);
});
