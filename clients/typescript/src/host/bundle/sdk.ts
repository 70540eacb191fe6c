// Which copy of the SDK the agent files use: that of their own project.

import { existsSync, readFileSync, realpathSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { HostError } from "../errors.js";

export interface Sdk {
  /** Real path of the package's folder; its own dependencies resolve from here. */
  folder: string;
  version: string;
}

export function findSdk(files: string[]): Sdk {
  const found = new Map<string, Sdk>();
  for (const file of files) {
    const sdk = sdkOf(file);
    found.set(sdk.folder, sdk);
  }
  const [first, second] = [...found.values()];
  if (first === undefined) throw new HostError("usage", "name at least one agent file");
  if (second !== undefined) {
    const text = "the agent files use different copies of @trigger.dev/sdk";
    throw new HostError("mixed_sdks", `${text}: ${first.folder} and ${second.folder}`);
  }
  return first;
}

function sdkOf(file: string): Sdk {
  if (!existsSync(file)) throw new HostError("file_not_found", `no such file: ${file}`);
  let entry: string;
  try {
    entry = createRequire(realpathSync(file)).resolve("@trigger.dev/sdk");
  } catch {
    const text = `${file} has no @trigger.dev/sdk: install it in the file's project`;
    throw new HostError("missing_sdk", text);
  }
  for (let folder = dirname(entry); folder !== dirname(folder); folder = dirname(folder)) {
    const manifest = join(folder, "package.json");
    if (!existsSync(manifest)) continue;
    const { name, version } = JSON.parse(readFileSync(manifest, "utf8")) as Record<string, string>;
    if (name === "@trigger.dev/sdk") {
      return { folder: realpathSync(folder), version: version ?? "unknown" };
    }
  }
  throw new HostError("missing_sdk", `${entry} is not in a package called @trigger.dev/sdk`);
}
