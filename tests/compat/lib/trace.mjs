// What a gateway's log, in JSON, says of one session: events inside of spans.

/** Its configuration; the level leaves everything out that is not of operators' interest. */
export const TRACED = `
[log]
format = "json"
level = "info"
`;

/**
 * The events of a session, in order: `what` it says, `spans` by name from the outermost in, and
 * the `fields` of all of them together, the innermost last.
 */
export function traced(gw, chat) {
  const lines = gw.logs().split("\n").filter((line) => line.startsWith("{"));
  return lines.map((line) => JSON.parse(line)).filter(({ spans = [] }) =>
    spans.some(({ session }) => session?.includes(chat))).map(({ message, spans, ...more }) =>
    ({ what: message, spans: spans.map(({ name }) => name),
      fields: Object.assign({}, ...spans, more) }));
}
