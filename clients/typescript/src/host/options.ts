// The command line.

import { availableParallelism, totalmem, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { HostError } from "./errors.js";

export interface HostOptions {
  url: string;
  key: string;
  version: string;
  files: string[];
  capacity: number;
  workspaces: string;
  spares: number;
  isolateMemoryMb: number;
  maxRssMb: number;
  drainSeconds: number;
  external: string[];
}

export const USAGE = `usage: tidegate-host --url URL --key KEY [options] FILE…

  --url URL              the gateway (or TIDEGATE_URL)
  --key KEY              a secret key of the environment (or TIDEGATE_KEY)
  --agent-version V      version of the agents; default "1"
  --capacity N           live chats at once; default from memory and cores
  --workspaces DIR       where sessions have their folders
  --spares N             isolates kept ready for new chats; default 1
  --isolate-memory MB    heap limit of one chat; default 512
  --max-rss MB           above it, parked chats are ended; default 70 % of the machine
  --drain-timeout S      how long SIGTERM waits for running turns; default 60
  --external PACKAGE     do not bundle this package; may be repeated
`;

/** About what a live chat takes. */
const CHAT_MB = 80;
const CHATS_PER_CORE = 64;
const MAX_CAPACITY = 1000;

export function parseOptions(argv: string[], env: NodeJS.ProcessEnv): HostOptions {
  const { values, positionals } = parsed(argv);
  const url = values.url ?? env["TIDEGATE_URL"];
  const key = values.key ?? env["TIDEGATE_KEY"];
  if (!url) throw usage("--url is missing");
  if (!key) throw usage("--key is missing");
  if (positionals.length === 0) throw usage("name at least one agent file");
  const version = values["agent-version"] ?? "1";
  if (!/^[\x20-\x7e]{1,64}$/.test(version)) {
    throw usage("--agent-version is 1 to 64 printable ASCII characters");
  }
  const maxRssMb = number(values, "max-rss", Math.floor((machineMb() * 7) / 10), 64);
  const files = [...new Set(positionals.map((file) => resolve(file)))];
  return {
    url: url.replace(/\/+$/, ""),
    key,
    version,
    files,
    capacity: number(values, "capacity", defaultCapacity(maxRssMb), 1),
    workspaces: resolve(values.workspaces ?? join(tmpdir(), "tidegate-workspaces")),
    spares: number(values, "spares", 1, 0),
    isolateMemoryMb: number(values, "isolate-memory", 512, 16),
    maxRssMb,
    drainSeconds: number(values, "drain-timeout", 60, 0),
    external: values.external ?? [],
  };
}

function parsed(argv: string[]) {
  const text = { type: "string" } as const;
  try {
    return parseArgs({
      args: argv,
      allowPositionals: true,
      options: {
        url: text,
        key: text,
        "agent-version": text,
        capacity: text,
        workspaces: text,
        spares: text,
        "isolate-memory": text,
        "max-rss": text,
        "drain-timeout": text,
        external: { type: "string", multiple: true },
      },
    });
  } catch (error) {
    throw usage(error instanceof Error ? error.message : String(error));
  }
}

function number(
  values: Record<string, string | string[] | undefined>,
  name: string,
  fallback: number,
  least: number,
): number {
  const text = values[name];
  if (text === undefined) return fallback;
  const value = Number(text);
  if (!Number.isInteger(value) || value < least) {
    throw usage(`--${name} is a whole number from ${least}, not ${String(text)}`);
  }
  return value;
}

function defaultCapacity(maxRssMb: number): number {
  const byMemory = Math.floor(maxRssMb / CHAT_MB);
  return Math.max(2, Math.min(byMemory, availableParallelism() * CHATS_PER_CORE, MAX_CAPACITY));
}

/** What this process may use: a container's limit, if it has one. */
function machineMb(): number {
  const constrained = (process as { constrainedMemory?: () => number }).constrainedMemory?.() ?? 0;
  const total = totalmem();
  const bytes = constrained > 0 ? Math.min(constrained, total) : total;
  return bytes / 1024 / 1024;
}

function usage(message: string): HostError {
  return new HostError("usage", message);
}
