// `useChat` over the AI SDK's own `DefaultChatTransport`, straight to the gateway.

import { useMemo } from "react";
import { useChat } from "@ai-sdk/react";
import {
  DefaultChatTransport, lastAssistantMessageIsCompleteWithApprovalResponses,
} from "ai";
import { AGENT, GATEWAY } from "./actions.js";
import { ChatView } from "./chat-view.jsx";
import { StoredChat } from "./stored-chat.jsx";

const API = `${GATEWAY}/ai/${AGENT}/chat`;

export const AiSdkChat = ({ chatId }) => <StoredChat chatId={chatId} Chat={Chat} />;

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
