#!/usr/bin/env node
// `tidegate-host`: serves the agents of files with chat.agent definitions.

import { LinkError } from "../link/index.js";
import { HostError } from "./errors.js";
import { host } from "./host.js";
import { parseOptions, USAGE } from "./options.js";

const FAILED = 1;
const BAD_USAGE = 2;

async function main(): Promise<number> {
  if (process.argv.includes("--help")) {
    process.stdout.write(USAGE);
    return 0;
  }
  const options = parseOptions(process.argv.slice(2), process.env);
  const running = await host(options, (line) => console.error(line));
  const { agents } = running;
  console.log(`serving ${agents.join(", ")} version ${options.version} on ${options.url}`);
  let asked = false;
  const stop = () => {
    void (asked ? running.close() : running.drain()).catch(() => undefined);
    asked = true;
  };
  process.on("SIGTERM", stop);
  process.on("SIGINT", stop);
  await running.ended;
  return 0;
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    const known = error instanceof HostError || error instanceof LinkError;
    if (!known) console.error(error);
    else console.error(`tidegate-host: ${error.code}: ${error.message}`);
    if (known && error.code === "usage") process.stderr.write(`\n${USAGE}`);
    process.exit(known && error.code === "usage" ? BAD_USAGE : FAILED);
  },
);
