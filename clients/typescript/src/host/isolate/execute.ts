// One run, with the SDK's own managers and its own executor of tasks.

import {
  apiClientManager,
  inputStreams,
  isManualOutOfMemoryError,
  logger,
  realtimeStreams,
  runMetadata,
  runtime,
  sessionStreams,
  taskContext,
} from "@trigger.dev/core/v3";
import type { ApiClient, TaskRunError, TaskRunExecution } from "@trigger.dev/core/v3";
import { TriggerTracer } from "@trigger.dev/core/v3/tracer";
import {
  StandardInputStreamManager,
  StandardMetadataManager,
  StandardRealtimeStreamsManager,
  StandardSessionStreamManager,
  TaskExecutor,
} from "@trigger.dev/core/v3/workers";
import type { Catalogue } from "./catalogue.js";
import { contextOf, executionOf, workerOf } from "./context.js";
import { taskLogger } from "./log.js";
import type { Boot, ExitError } from "./messages.js";
import type { Parking } from "./parking.js";
import { refuseEngineCalls, runtimeManager } from "./unsupported.js";

const METADATA_FLUSH_MS = 1000;

export interface Surroundings {
  catalogue: Catalogue;
  parking: Parking;
  signal: AbortSignal;
  ready: () => void;
}

/** Runs it to its end. Never throws: how it failed is the answer. */
export async function execute(
  boot: Boot,
  url: string,
  { catalogue, parking, signal, ready }: Surroundings,
): Promise<ExitError | undefined> {
  try {
    const task = catalogue.task(boot.agent);
    apiClientManager.setGlobalAPIClientConfiguration({ baseURL: url, accessToken: boot.token });
    const client = apiClientManager.clientOrThrow();
    const metadata = install(client, url, boot, parking);
    const executor = new TaskExecutor(task, {
      // Used by nothing but the executor's type: spans go to the global tracer.
      tracingSDK: undefined as never,
      tracer: new TriggerTracer({ name: "tidegate-host", version: "1" }),
      consoleInterceptor: { intercept: (_console: Console, run: () => unknown) => run() } as never,
      retries: { enabledInDev: false, default: { maxAttempts: 1 } },
      isWarmStart: false,
      executionCount: 1,
    });
    ready();
    const execution = executionOf(boot) as unknown as TaskRunExecution;
    const { result } = await executor.execute(execution, contextOf(boot) as never, signal);
    metadata.stopPeriodicFlush();
    await metadata.flush().catch(() => undefined);
    if (result.ok || signal.aborted) return undefined;
    const outOfMemory = isManualOutOfMemoryError(result.error);
    return { class: outOfMemory ? "oom" : "failed", message: messageOf(result.error) };
  } catch (error) {
    return { class: "failed", message: error instanceof Error ? error.message : String(error) };
  }
}

function install(client: ApiClient, url: string, boot: Boot, parking: Parking) {
  parking.install(client);
  refuseEngineCalls();
  runtime.setGlobalRuntimeManager(runtimeManager(parking) as never);
  sessionStreams.setGlobalManager(new StandardSessionStreamManager(client, url));
  inputStreams.setGlobalManager(new StandardInputStreamManager(client, url));
  realtimeStreams.setGlobalManager(new StandardRealtimeStreamsManager(client, url));
  logger.setGlobalTaskLogger(taskLogger(boot.run));
  const metadata = new StandardMetadataManager(client);
  metadata.runId = boot.run;
  metadata.startPeriodicFlush(METADATA_FLUSH_MS);
  runMetadata.setGlobalManager(metadata);
  taskContext.setGlobalTaskContext({
    ctx: contextOf(boot) as never,
    worker: workerOf(boot) as never,
    isWarmStart: false,
  });
  return metadata;
}

function messageOf(error: TaskRunError): string {
  if (error.type === "STRING_ERROR" || error.type === "CUSTOM_ERROR") return error.raw;
  if (error.type === "INTERNAL_ERROR") return error.message ?? error.code;
  return `${error.name}: ${error.message}`;
}
