// What needs a task engine, which Tidegate has not: each call fails with a message that names it.

import { ApiClient } from "@trigger.dev/core/v3";
import type { Parking } from "./parking.js";

export class NoTaskEngineError extends Error {
  override name = "NoTaskEngineError";
  constructor(call: string) {
    super(`${call} needs a task engine, and Tidegate has none: it runs chat agents only`);
  }
}

/** Methods of the API client, and the SDK's calls that end in them. */
const CALLS: Record<string, string> = {
  waitForDuration: "wait.for() or wait.until()",
  createWaitpointToken: "wait.createToken() or wait.forToken()",
  retrieveWaitpointToken: "wait.retrieveToken()",
  listWaitpointTokens: "wait.listTokens()",
  completeWaitpointToken: "wait.completeToken()",
  createInputStreamWaitpoint: "streams.input().wait()",
  createWebhookWaiter: "webhook wait()",
  triggerTask: "trigger() or triggerAndWait() of a task, or a task-backed tool,",
  createBatch: "batchTrigger() or batchTriggerAndWait()",
  streamBatchItems: "batchTrigger() or batchTriggerAndWait()",
  createSchedule: "schedules.create()",
};

export function refuseEngineCalls(): void {
  for (const [method, call] of Object.entries(CALLS)) {
    const refuse = () => Promise.reject(new NoTaskEngineError(call));
    Object.assign(ApiClient.prototype, { [method]: refuse });
  }
}

/** Where the SDK's waits end: those on a session park the run, the others are refused. */
export function runtimeManager(parking: Parking) {
  return {
    disable() {},
    waitForWaitpoint({ waitpointFriendlyId }: { waitpointFriendlyId: string }) {
      if (parking.knows(waitpointFriendlyId)) return parking.wait(waitpointFriendlyId);
      return Promise.reject(new NoTaskEngineError("wait.forToken()"));
    },
    waitForTask: () => Promise.reject(new NoTaskEngineError("triggerAndWait()")),
    waitForBatch: () => Promise.reject(new NoTaskEngineError("batchTriggerAndWait()")),
  };
}
