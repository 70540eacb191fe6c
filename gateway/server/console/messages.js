// Draws messages. A message that only grew is patched; one that changed shape is drawn anew.
import { el, pretty, setText } from "./dom.js";
import { isTool } from "./reducer.js";

/** Draws every message into `list`. `chat` answers approvals and tool outputs. */
export function drawAll(list, messages, chat) {
  for (const child of [...list.querySelectorAll(".message")].slice(messages.length)) child.remove();
  const shown = list.querySelectorAll(".message");
  messages.forEach((message, at) => {
    const drawn = drawMessage(message, chat, at === chat.log.messages.length - 1);
    if (!shown[at]) list.append(drawn);
    else if (!shown[at].isEqualNode(drawn) || drawn.querySelector("button"))
      shown[at].replaceWith(drawn);
  });
}

/** Patches the newest message after deltas. */
export function drawGrowth(list, message, chat) {
  const node = list.querySelectorAll(".message")[chat.log.messages.indexOf(message)];
  const parts = message.parts.filter(isShown);
  const nodes = node?.querySelectorAll(":scope > .body > .part") ?? [];
  if (nodes.length !== parts.length) return drawAll(list, chat.log.view, chat);
  parts.forEach((part, at) => {
    if (part.type === "text" || part.type === "reasoning")
      setText(nodes[at].querySelector(".text"), part.text);
    else if (part.inputText && part.state === "input-streaming")
      setText(nodes[at].querySelector("pre"), part.inputText);
  });
}

const isShown = (part) =>
  part.type !== "step-start" && !(part.type === "text" && !part.text && part.state === "done");

function drawMessage(message, chat, isLast) {
  const name =
    { user: "You", assistant: "Agent", action: "Action", system: "System" }[message.role] ??
    message.role;
  const body = el(
    "div",
    { class: "body" },
    ...message.parts.filter(isShown).map((part) => drawPart(part, message, chat)),
  );
  if (message.role === "action") body.append(el("pre", {}, pretty(message.action)));
  if (message.error) body.append(el("p", { class: "failed" }, message.error));
  if (message.aborted) body.append(el("p", { class: "quiet" }, "Stopped."));
  const working = isLast && message.role === "assistant" && chat.log.turn ? " working" : "";
  const queued = message.queued ? " queued" : "";
  const heading = el("h3", {}, queued ? `${name} · waiting for its turn` : name);
  return el(
    "article",
    { class: `message ${message.role}${working}${queued}`, "data-id": message.id },
    heading,
    body,
  );
}

function drawPart(part, message, chat) {
  if (part.type === "text")
    return el("div", { class: "part" }, el("div", { class: "text" }, part.text));
  if (part.type === "reasoning") {
    const open = part.state === "streaming";
    return el(
      "details",
      { class: "part reasoning", open },
      el("summary", {}, open ? "Thinking…" : "Reasoning"),
      el("div", { class: "text" }, part.text),
    );
  }
  if (isTool(part)) return drawTool(part, message, chat);
  if (part.type === "source-url")
    return el("p", { class: "part source" }, "Source: ", link(part.url, part.title));
  if (part.type === "source-document")
    return el("p", { class: "part source" }, `Source: ${part.title ?? part.filename}`);
  if (part.type === "file" || part.type === "reasoning-file") return drawFile(part);
  return el(
    "div",
    { class: "part data" },
    el("b", {}, part.type),
    el("pre", {}, pretty(part.data ?? part)),
  );
}

function drawFile(part) {
  const isPicture = /^image\//.test(part.mediaType ?? "") && /^data:image\//.test(part.url ?? "");
  if (isPicture)
    return el(
      "p",
      { class: "part" },
      el("img", { src: part.url, alt: part.filename ?? "picture" }),
    );
  return el(
    "p",
    { class: "part source" },
    `File (${part.mediaType}): `,
    link(part.url, part.filename),
  );
}

function link(url, title) {
  const text = title || url;
  if (!/^https?:/i.test(url ?? "")) return el("span", {}, text);
  return el("a", { href: url, target: "_blank", rel: "noopener noreferrer" }, text);
}

const STATES = {
  "input-streaming": "is being called…",
  "input-available": "is called",
  "approval-requested": "asks for approval",
  "approval-responded": "was answered",
  "output-available": "is done",
  "output-error": "failed",
  "output-denied": "was denied",
};

function drawTool(part, message, chat) {
  const name = part.toolName ?? part.type.replace(/^tool-/, "");
  const node = el("div", { class: `part tool ${part.state}` });
  const denied = part.approval?.approved === false && part.state === "approval-responded";
  node.append(
    el(
      "p",
      { class: "title" },
      el("b", {}, name),
      ` ${denied ? "was denied" : (STATES[part.state] ?? part.state)}`,
    ),
  );
  const input = part.input === undefined ? part.inputText : pretty(part.input);
  if (input !== undefined) node.append(el("pre", {}, input));
  if (part.output !== undefined)
    node.append(el("p", { class: "quiet" }, "Output"), el("pre", {}, pretty(part.output)));
  if (part.errorText) node.append(el("p", { class: "failed" }, part.errorText));
  if (part.state === "approval-requested" && !chat.log.closed)
    node.append(approval(part, message, chat));
  const waits = part.state === "input-available" && !part.providerExecuted && !chat.log.turn;
  if (waits && message === chat.log.messages.at(-1)) node.append(outputForm(part, message, chat));
  return node;
}

function approval(part, message, chat) {
  const answer = (approved) => () =>
    chat.answerTool(message, part, {
      state: "approval-responded",
      approval: { id: part.approval.id, approved },
    });
  return el(
    "div",
    { class: "row" },
    el("button", { class: "main", type: "button", onclick: answer(true) }, "Approve"),
    el("button", { class: "plain", type: "button", onclick: answer(false) }, "Deny"),
  );
}

function outputForm(part, message, chat) {
  const field = el("textarea", {
    rows: 2,
    "aria-label": "Output of the tool, JSON or text",
    placeholder: "Output: JSON or text",
  });
  const send = (event) => {
    event.preventDefault();
    let output = field.value;
    try {
      output = JSON.parse(output);
    } catch {}
    chat.answerTool(message, part, { state: "output-available", output });
  };
  return el(
    "form",
    { class: "output", onsubmit: send },
    field,
    el("button", { class: "main", type: "submit" }, "Give output"),
  );
}
