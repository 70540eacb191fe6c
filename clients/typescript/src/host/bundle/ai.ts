// Which version of the AI SDK an agent file uses, and what that lets the agent take over.

import { readFileSync, realpathSync } from "node:fs";
import { createRequire } from "node:module";

/** From this version on it denies calls that come with an approval that nobody was asked for. */
const DENIES = [6, 0, 202] as const;
const OLDEST = 5;

/**
 * What of a head start the agents of a file can take over. The published SDK resumes the calls of
 * others by an approval that it makes up; where `ai` denies that, text is all that can be handed
 * over. Nothing, where the version is not known.
 */
export function handoverOf(file: string): "calls" | "text" | undefined {
  const version = aiVersion(file);
  const [major, minor, patch] = /^(\d+)\.(\d+)\.(\d+)/.exec(version ?? "")?.slice(1).map(Number) ??
    [];
  if (major === undefined || major < OLDEST) return undefined;
  const found = [major, minor ?? 0, patch ?? 0];
  const at = found.findIndex((number, index) => number !== DENIES[index]);
  return at >= 0 && found[at]! < DENIES[at]! ? "calls" : "text";
}

function aiVersion(file: string): string | undefined {
  try {
    const manifest = createRequire(realpathSync(file)).resolve("ai/package.json");
    const { version } = JSON.parse(readFileSync(manifest, "utf8")) as { version?: unknown };
    return typeof version === "string" ? version : undefined;
  } catch {
    return undefined;
  }
}
