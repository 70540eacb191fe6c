// The examples of the READMEs, as programs.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { mkdtemp, mkdir, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { after } from "node:test";
import { ROOT } from "./workers.mjs";

const LINES_MAX = 20;
const TYPESCRIPT = join(ROOT, "clients/typescript");

/** The code block behind `<!-- mark -->` in a README. */
export function example(file, mark = "example") {
  const text = readFileSync(join(ROOT, file), "utf8");
  const [, code] = text.split(`<!-- ${mark} -->\n`)[1]?.match(/^```\w+\n(.*?)^```$/ms) ?? [];
  assert.ok(code, `${file} has no ${mark}`);
  const lines = code.split("\n").length - 1;
  assert.ok(lines < LINES_MAX, `the ${mark} of ${file} has ${lines} lines`);
  return code;
}

/** A folder with `files` in which the TypeScript package, `ai` and zod can be imported. */
export async function project(files) {
  const folder = await mkdtemp(join(tmpdir(), "tidegate-native-"));
  after(() => rm(folder, { recursive: true, force: true }));
  const modules = join(folder, "node_modules");
  await mkdir(modules);
  await symlink(TYPESCRIPT, join(modules, "tidegate"));
  for (const name of ["ai", "zod"]) {
    await symlink(resolve(TYPESCRIPT, "node_modules", name), join(modules, name));
  }
  await writeFile(join(folder, "package.json"), '{"type":"module"}');
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  return folder;
}

/** The text of a file beside the agents. */
export const agentFile = (name) =>
  readFileSync(resolve(dirname(fileURLToPath(import.meta.url)), "../agents", name), "utf8");
