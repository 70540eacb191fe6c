// What a page sends when a person answered a tool call.

/** The person's answer to the tool call of the turn before. */
export function slim(chunks, part) {
  const { messageId } = chunks.find(({ type }) => type === "start");
  const { toolCallId, toolName } = chunks.find(({ type }) => type === "tool-input-available");
  const { approvalId } = chunks.find(({ type }) => type === "tool-approval-request") ?? {};
  const approval = part.approval && { ...part.approval, id: approvalId };
  return { id: messageId, role: "assistant",
    parts: [{ type: `tool-${toolName}`, toolCallId, ...part, ...(approval && { approval }) }] };
}
