// Writes one JSON line per finished test, for the tables of `run.mjs`.

export default async function* report(events) {
  for await (const { type, data } of events) {
    const isFile = data?.name && (data.name === data.file || data.name.endsWith(".test.mjs"));
    if (type === "test:pass" || type === "test:fail") {
      if (isFile && type === "test:pass") continue;
      yield `${JSON.stringify({ event: type, name: data.name, file: data.file,
        skip: data.skip !== undefined, todo: data.todo !== undefined,
        error: data.details?.error?.cause?.message ?? data.details?.error?.message,
        ms: Math.round(data.details?.duration_ms ?? 0) })}\n`;
    } else if (type === "test:diagnostic" && /^n\/a \d+: /.test(data.message)) {
      yield `${JSON.stringify({ event: "n/a", message: data.message })}\n`;
    }
  }
}
