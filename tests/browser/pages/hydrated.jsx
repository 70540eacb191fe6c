// The docs' "restoring on page load": the page keeps its messages and the transport's state. With
// `?route=PATH` the first message goes to a head-start route.

import { useEffect, useMemo } from "react";
import { createRoot } from "react-dom/client";
import { useChat } from "@ai-sdk/react";
import { lastAssistantMessageIsCompleteWithApprovalResponses } from "ai";
import { useTriggerChatTransport } from "@trigger.dev/sdk/chat/react";
import { ChatView } from "../../app/page/chat-view.jsx";

const chatId = decodeURIComponent(window.location.pathname.split("/")[2]);
const stored = (key, value) => {
  const name = `${key}:${chatId}`;
  if (value === undefined) return JSON.parse(localStorage.getItem(name) ?? "null") ?? undefined;
  localStorage.setItem(name, JSON.stringify(value));
};
const post = async (action) =>
  (await fetch(`/hydrated/${encodeURIComponent(chatId)}/${action}`, { method: "POST" })).json();

function Chat() {
  const session = useMemo(() => stored("session"), []);
  const messages = useMemo(() => stored("messages") ?? [], []);
  const transport = useTriggerChatTransport({
    task: window.AGENT,
    baseURL: window.GATEWAY,
    headStart: new URLSearchParams(window.location.search).get("route") ?? undefined,
    accessToken: async () => (await post("token")).token,
    startSession: () => post("start"),
    sessions: session && { [chatId]: session },
    onSessionChange: (_, state) => stored("session", state),
  });
  const chat = useChat({ id: chatId, messages, transport, resume: messages.length > 0,
    sendAutomaticallyWhen: lastAssistantMessageIsCompleteWithApprovalResponses });
  // While a turn runs, only what came before its answer is kept: a reload replays the turn.
  useEffect(() => {
    const done = chat.status === "ready" || chat.messages.at(-1)?.role === "user";
    if (done) stored("messages", chat.messages);
  }, [chat.status, chat.messages]);
  const stop = async () => {
    await transport.stopGeneration(chatId);
    chat.stop();
  };
  return <ChatView chat={chat} stop={stop} />;
}

createRoot(document.getElementById("root")).render(<Chat />);
