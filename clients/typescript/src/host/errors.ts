// Why the host can't start, or could not go on: one line for a person, and a code.

export class HostError extends Error {
  override name = "HostError";
  constructor(
    /**
     * `usage`, `file_not_found`, `missing_sdk`, `mixed_sdks`, `bundle_failed`, `load_failed`,
     * `no_agents`, `duplicate_agent`.
     */
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}
