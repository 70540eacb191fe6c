// Tests that fail for a known reason: `{test: "start of its name", why}`. One that passes fails
// the run, so the list can't rot.

const CRASH = "agent row 079 head-start skip, handler crash: ";

export const EXPECTED_FAILURES = [
  { test: `${CRASH}what the handler writes after its skip`,
    why: "whoever asks for credentials after the skip gets them, as the SDK's writer may" },
];
