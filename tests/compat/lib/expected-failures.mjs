// Tests that fail for a known reason: `{test: "start of its name", why}`. One that passes fails
// the run, so the list can't rot.

export const EXPECTED_FAILURES = [];
