// Where the definitions of the agent files register themselves.

import { lifecycleHooks, localsAPI, resourceCatalog, waitUntil } from "@trigger.dev/core/v3";
import {
  StandardLifecycleHooksManager,
  StandardLocalsManager,
  StandardResourceCatalog,
  StandardWaitUntilManager,
} from "@trigger.dev/core/v3/workers";
import type { Definition } from "./messages.js";

export class Catalogue {
  readonly #resources = new StandardResourceCatalog();

  /** Installs what definitions need while their module is imported. */
  constructor() {
    resourceCatalog.setGlobalResourceCatalog(this.#resources);
    lifecycleHooks.setGlobalLifecycleHooksManager(new StandardLifecycleHooksManager());
    localsAPI.setGlobalLocalsManager(new StandardLocalsManager());
    waitUntil.setGlobalManager(new StandardWaitUntilManager());
  }

  /** The file stays the current one: what an agent imports while it runs registers too. */
  async load(file: string, load: () => Promise<unknown>): Promise<void> {
    resourceCatalog.setCurrentFileContext(file, file);
    await load();
  }

  definitions(): Definition[] {
    return this.#resources.listTaskManifests().map((task) => ({
      id: task.id,
      file: task.filePath,
      chat: task.triggerSource === "agent",
    }));
  }

  duplicates(): string[] {
    return this.#resources.listTaskIdCollisions().map((collision) => collision.id);
  }

  task(id: string) {
    const task = this.#resources.getTask(id);
    if (task === undefined) throw new Error(`no agent ${JSON.stringify(id)} in the agent files`);
    return task;
  }
}
