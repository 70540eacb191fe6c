// UI message chunks reduced to a message, as far as a person looks at it.

/** A fresh assistant message. */
export function newMessage(id) {
  return { id, role: "assistant", parts: [], open: new Map(), inputs: new Map() };
}

/** Applies one chunk to `message`. Answers whether parts came or went (not only grew). */
export function apply(message, chunk) {
  const parts = message.parts;
  const before = parts.length;
  const type = String(chunk.type ?? "");
  switch (type) {
    case "text-start":
    case "reasoning-start":
      message.open.set(type[0] + chunk.id, parts.length);
      parts.push({ type: type.slice(0, -6), text: "", state: "streaming" });
      break;
    case "text-delta":
    case "reasoning-delta": {
      const part = parts[message.open.get(type[0] + chunk.id)];
      if (part) part.text += chunk.delta;
      break;
    }
    case "text-end":
    case "reasoning-end": {
      const part = parts[message.open.get(type[0] + chunk.id)];
      if (part) part.state = "done";
      message.open.delete(type[0] + chunk.id);
      break;
    }
    case "start-step":
      parts.push({ type: "step-start" });
      break;
    case "finish-step":
      message.open.clear();
      break;
    case "start":
    case "finish":
    case "message-metadata":
      if (chunk.messageMetadata)
        message.metadata = { ...message.metadata, ...chunk.messageMetadata };
      break;
    case "source-url":
    case "source-document":
    case "file":
    case "reasoning-file":
      parts.push({ ...chunk });
      break;
    case "error":
      message.error = chunk.errorText ?? "error";
      break;
    case "abort":
      message.aborted = true;
      break;
    default:
      if (type.startsWith("data-")) data(parts, chunk);
      else if (type.startsWith("tool-")) tool(message, type, chunk);
  }
  return parts.length !== before || !type.endsWith("-delta");
}

/** Puts the results of a slim message (tool outputs, approvals) into the message they are for. */
export function mergeSlim(message, slim) {
  for (const given of slim.parts ?? []) {
    const part = message.parts.find(
      (part) => part.toolCallId && part.toolCallId === given.toolCallId,
    );
    if (part) Object.assign(part, given, { type: part.type });
  }
}

/** Is it a tool call's part? */
export function isTool(part) {
  return part.type === "dynamic-tool" || part.type.startsWith("tool-");
}

function data(parts, chunk) {
  if (chunk.transient) return;
  const old = chunk.id && parts.find((part) => part.type === chunk.type && part.id === chunk.id);
  if (old) old.data = chunk.data;
  else parts.push({ type: chunk.type, id: chunk.id, data: chunk.data });
}

function tool(message, type, chunk) {
  const parts = message.parts;
  let part = parts.findLast((part) => part.toolCallId === chunk.toolCallId);
  const opens =
    type === "tool-input-start" || type === "tool-input-available" || type === "tool-input-error";
  if (!part && opens) {
    const name = chunk.dynamic ? "dynamic-tool" : `tool-${chunk.toolName}`;
    part = {
      type: name,
      toolName: chunk.toolName,
      toolCallId: chunk.toolCallId,
      state: "input-streaming",
    };
    parts.push(part);
  }
  if (!part) return;
  if (chunk.providerExecuted) part.providerExecuted = true;
  switch (type) {
    case "tool-input-start":
      message.inputs.set(chunk.toolCallId, "");
      break;
    case "tool-input-delta":
      message.inputs.set(
        chunk.toolCallId,
        (message.inputs.get(chunk.toolCallId) ?? "") + chunk.inputTextDelta,
      );
      part.inputText = message.inputs.get(chunk.toolCallId);
      break;
    case "tool-input-available":
      part.state = "input-available";
      part.input = chunk.input;
      break;
    case "tool-input-error":
    case "tool-output-error":
      part.state = "output-error";
      if ("input" in chunk) part.input = chunk.input;
      part.errorText = chunk.errorText;
      break;
    case "tool-approval-request":
      part.state = "approval-requested";
      part.approval = { id: chunk.approvalId };
      break;
    case "tool-output-denied":
      part.state = "output-denied";
      break;
    case "tool-output-available":
      part.state = "output-available";
      part.output = chunk.output;
      part.preliminary = chunk.preliminary;
  }
}
