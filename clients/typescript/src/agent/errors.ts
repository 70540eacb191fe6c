// Errors, and what users see of them.

/** Thrown by an agent: ends the turn with a text that the user sees. */
export class TurnError extends Error {
  override name = "TurnError";
}

/** The text of other errors may hold secrets. */
export const HIDDEN_ERROR = "The agent failed.";
export const HIDDEN_TOOL_ERROR = "The tool failed.";

/** What the user sees of an error. */
export function shown(
  error: unknown,
  showError?: (error: unknown) => string,
  hidden = HIDDEN_ERROR,
): string {
  if (error instanceof TurnError) return error.message;
  return showError === undefined ? hidden : showError(error);
}
