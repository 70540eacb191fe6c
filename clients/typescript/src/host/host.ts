// The host: agent files in, a worker of the gateway out.

import { Link } from "../link/index.js";
import type { Agent, Work } from "../link/index.js";
import { handoverOf } from "./bundle/ai.js";
import { bundle } from "./bundle/bundle.js";
import { findSdk } from "./bundle/sdk.js";
import { HostError } from "./errors.js";
import { Isolate } from "./isolate.js";
import type { Loaded } from "./isolate.js";
import type { Definition } from "./isolate/messages.js";
import { watchMemory } from "./memory.js";
import type { HostOptions } from "./options.js";
import { Pool } from "./pool.js";
import { Run } from "./run.js";

const CANCEL_GRACE_MS = 5000;

export interface Host {
  /** Ids of the agents that it serves. */
  agents: string[];
  /** Resolves when the link ended for good; rejects with LinkError when it was refused. */
  ended: Promise<void>;
  /** Finishes what runs and takes nothing new; what takes longer than the timeout is given up. */
  drain: () => Promise<void>;
  /** Gives everything up at once. */
  close: () => Promise<void>;
}

/** Bundles and loads the files, registers their agents, and serves runs. */
export async function host(options: HostOptions, log: (line: string) => void): Promise<Host> {
  const { url, key, files, version, capacity, external } = options;
  const sdk = findSdk(files);
  const isolates = {
    bundle: await bundle({ files, sdk, external }),
    memoryMb: options.isolateMemoryMb,
  };
  const first = new Isolate(isolates);
  const definitions = await loadedAgents(first, log);
  const pool = new Pool(isolates, options.spares);
  pool.keep(first);

  const runs = new Set<Run>();
  let isDraining = false;
  const { workspaces } = options;
  const draining = () => isDraining;
  const ofRuns = { url, pool, workspaces, graceMs: CANCEL_GRACE_MS, log, draining };
  const onWork = (work: Work) => {
    const run = new Run(work, ofRuns);
    runs.add(run);
    void run.run().finally(() => runs.delete(run));
  };
  const offered = definitions.map((definition) => offer(definition, version));
  const link = new Link({ url, key, agents: offered, capacity, onWork });
  link.on("down", (reason, retryMs) => log(`no link: ${reason}; next try in ${retryMs} ms`));
  const unwatch = watchMemory(runs, options.maxRssMb);
  const cleanUp = async () => {
    unwatch();
    await pool.close();
  };
  await link.start().catch(async (error: unknown) => {
    await cleanUp();
    throw error;
  });
  return {
    agents: definitions.map(({ id }) => id),
    ended: link.ended().finally(cleanUp),
    drain: async () => {
      isDraining = true;
      for (const run of runs) run.evict();
      const timer = setTimeout(() => void link.close(), options.drainSeconds * 1000);
      await link.drain().finally(() => clearTimeout(timer));
    },
    close: () => link.close(),
  };
}

/** How an agent is registered. */
export function offer({ id, file }: Definition, version: string): Agent {
  const handover = handoverOf(file);
  return { id, version, mode: "http", ...(handover === undefined ? {} : { handover }) };
}

/** What can be served; throws if that is nothing, or not clear. */
async function loadedAgents(isolate: Isolate, log: (line: string) => void): Promise<Definition[]> {
  let loaded: Loaded;
  try {
    loaded = await isolate.loaded;
    return chosen(loaded, log);
  } catch (error) {
    await isolate.terminate();
    throw error;
  }
}

export function chosen(
  { definitions, duplicates }: Loaded,
  log: (line: string) => void,
): Definition[] {
  if (duplicates.length > 0) {
    throw new HostError("duplicate_agent", `defined more than once: ${duplicates.join(", ")}`);
  }
  const agents = definitions.filter(({ chat }) => chat);
  for (const { id, file } of definitions.filter(({ chat }) => !chat)) {
    log(`warning: ${id} in ${file} is a task, not a chat agent, and is not served: Tidegate has ` +
      "no task engine (define it with chat.agent or chat.customAgent)");
  }
  if (agents.length === 0) {
    throw new HostError("no_agents", "the files define no chat.agent or chat.customAgent");
  }
  return agents;
}
