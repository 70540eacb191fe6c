// `ctx` of a run, in the SDK's shape, from what the gateway says of the run.

import { availableParallelism } from "node:os";
import type { Boot } from "./messages.js";

export function contextOf(boot: Boot) {
  const startedAt = new Date();
  const { version } = boot;
  return {
    task: { id: boot.agent, filePath: "" },
    attempt: { number: boot.attempt, startedAt, status: "EXECUTING" },
    run: {
      id: boot.run,
      tags: boot.tags ?? [`chat:${boot.chat}`],
      isTest: false,
      isReplay: false,
      createdAt: startedAt,
      startedAt,
      version,
      priority: 0,
    },
    queue: { id: `queue_${boot.agent}`, name: `task/${boot.agent}` },
    environment: { id: "env_tidegate", slug: "prod", type: "PRODUCTION" },
    organization: { id: "org_tidegate", slug: "tidegate", name: "Tidegate" },
    project: { id: "proj_tidegate", ref: "proj_tidegate", slug: "tidegate", name: "Tidegate" },
    machine: { name: "small-1x", cpu: availableParallelism(), memory: 0.5, centsPerMs: 0 },
    deployment: {
      id: `deployment_${version}`, shortCode: version, version, externalId: version,
    },
  };
}

export function workerOf(boot: Boot) {
  const { version } = boot;
  return { id: "worker_tidegate", version, contentHash: version, engine: "V2" };
}

/** The same run as the executor wants it. */
export function executionOf(boot: Boot) {
  const context = contextOf(boot);
  const payload = JSON.stringify(boot.payload ?? {});
  return { ...context, run: { ...context.run, payload, payloadType: "application/json" } };
}
