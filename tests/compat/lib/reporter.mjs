// Writes one JSON line per finished test to `TIDEGATE_NOTES`, for the tables of `run.mjs`. It writes
// at once: the runner exits without waiting for what a reporter's own destination has buffered.

import { appendFileSync } from "node:fs";

const note = (line) => appendFileSync(process.env.TIDEGATE_NOTES, `${JSON.stringify(line)}\n`);

export default async function* report(events) {
  for await (const { type, data } of events) {
    const isFile = data?.name && (data.name === data.file || data.name.endsWith(".test.mjs"));
    // A suite only says how many of its tests run at once.
    if (data?.details?.type === "suite") continue;
    if (type === "test:pass" || type === "test:fail") {
      if (isFile && type === "test:pass") continue;
      note({ event: type, name: data.name, file: data.file,
        skip: data.skip !== undefined, todo: data.todo !== undefined,
        error: data.details?.error?.cause?.message ?? data.details?.error?.message,
        ms: Math.round(data.details?.duration_ms ?? 0) });
    } else if (type === "test:diagnostic" && /^n\/a \d+: /.test(data.message)) {
      note({ event: "n/a", message: data.message });
    }
  }
}
