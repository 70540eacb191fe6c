// The folder of a session: it outlives runs, crashes and the host.

import { createHash } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { join, resolve } from "node:path";

const MAX_NAME = 100;

/** Makes the folder if it is not there, and returns its absolute path. */
export async function workspace(root: string, session: string): Promise<string> {
  const path = join(resolve(root), folderName(session));
  await mkdir(path, { recursive: true });
  return path;
}

/** A name that is one folder below the root whatever it holds; different names stay different. */
export function folderName(session: string): string {
  const safe = session.replaceAll(/[^A-Za-z0-9_-]/g, "_").slice(0, MAX_NAME);
  if (safe === session && safe !== "") return safe;
  const digest = createHash("sha256").update(session).digest("hex").slice(0, 16);
  return `${safe}-${digest}`;
}
