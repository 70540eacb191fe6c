// `useChat` over the AI SDK's own `DefaultChatTransport`, straight to the gateway.

import { useEffect, useMemo, useState } from "react";
import { useChat } from "@ai-sdk/react";
import {
  DefaultChatTransport, lastAssistantMessageIsCompleteWithApprovalResponses,
} from "ai";
import { AGENT, GATEWAY, loadChat, openChat } from "./actions.js";
import { ChatView } from "./chat-view.jsx";

const API = `${GATEWAY}/ai/${AGENT}/chat`;

/** Loads what is stored, then mounts the chat. */
export function AiSdkChat({ chatId }) {
  const [stored, setStored] = useState();
  useEffect(() => {
    Promise.all([loadChat({ chatId }), openChat(chatId)])
      .then(([chat, token]) => setStored({ ...chat, token }));
  }, [chatId]);
  if (!stored) return null;
  return <Chat chatId={chatId} {...stored} />;
}

function Chat({ chatId, messages, token }) {
  const headers = useMemo(() => ({ Authorization: `Bearer ${token}` }), [token]);
  const transport = useMemo(() => new DefaultChatTransport({ api: API, headers }), [headers]);
  const chat = useChat({
    id: chatId,
    messages,
    transport,
    resume: messages.length > 0,
    sendAutomaticallyWhen: lastAssistantMessageIsCompleteWithApprovalResponses,
  });
  // `useChat().stop()` only closes the socket; this stops the answer.
  const stop = () => {
    fetch(`${API}/${encodeURIComponent(chatId)}/stop`, { method: "POST", headers });
  };
  return <ChatView chat={chat} stop={stop} />;
}
