// `useChat` over `useTriggerChatTransport`: only the base URL differs from the SDK's docs.

import { useEffect, useState } from "react";
import { useChat } from "@ai-sdk/react";
import { lastAssistantMessageIsCompleteWithApprovalResponses } from "ai";
import { useLoadTranscript, useTriggerChatTransport } from "@trigger.dev/sdk/chat/react";
import { AGENT, GATEWAY, loadChat, mintChatAccessToken, startChatSession } from "./actions.js";
import { ChatView } from "./chat-view.jsx";

/** Loads what is stored, then mounts the chat. */
export function TriggerChat({ chatId }) {
  const [stored, setStored] = useState();
  useEffect(() => {
    loadChat({ chatId }).then(setStored);
  }, [chatId]);
  if (!stored) return null;
  return <Loaded chatId={chatId} stored={stored} />;
}

function Loaded({ chatId, stored }) {
  const transport = useTriggerChatTransport({
    task: AGENT,
    baseURL: GATEWAY,
    accessToken: ({ chatId }) => mintChatAccessToken(chatId),
    startSession: ({ chatId, clientData }) => startChatSession({ chatId, clientData }),
    sessions: stored.token ? { [chatId]: { publicAccessToken: stored.token } } : undefined,
  });
  const { messages, isLoading } = useLoadTranscript(chatId, async () => stored, { transport });
  if (isLoading) return null;
  return <Chat chatId={chatId} transport={transport} stored={messages} resume={!!stored.token} />;
}

function Chat({ chatId, transport, stored, resume }) {
  const chat = useChat({
    id: chatId,
    messages: stored,
    transport,
    resume,
    sendAutomaticallyWhen: lastAssistantMessageIsCompleteWithApprovalResponses,
  });
  // `stop` ends this page's subscription; `stopGeneration` also works after a reload.
  const stop = () => {
    chat.stop();
    transport.stopGeneration(chatId);
  };
  return <ChatView chat={chat} stop={stop} />;
}
