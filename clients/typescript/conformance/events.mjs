// Events as the protocol of spec/v1/suites/clients.md shows them.

export function shown(event) {
  if (event.type === "gap") {
    const { from, to, reason } = event;
    return { type: "gap", from, to, reason };
  }
  const { seq_num, timestamp, headers, body } = event.record;
  return { type: "record", seq_num, timestamp, headers, body, ...said(event) };
}

function said(event) {
  if (event.type !== "chunk") return { control: control(event) };
  const { chunk, record } = event;
  if (typeof chunk === "string") return text(chunk);
  if (chunk?.type === "unreadable") return { raw: record.body };
  return typeof chunk?.type === "string" ? { chunk } : { raw: JSON.stringify(chunk) };
}

/** On side channels `data` is the text that was appended; it may be that of a chunk. */
function text(raw) {
  try {
    const value = JSON.parse(raw);
    if (typeof value?.type === "string") return { chunk: value };
  } catch {
    // Text that is no JSON.
  }
  return { raw };
}

function control(event) {
  const kind = event.type === "control" ? event.kind : event.type;
  return { kind, floor: event.answered ?? null,
    closed_reason: event.closedReason ?? event.reason ?? null };
}
