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
  // An answer may be under way: saying so lets a stop after a reload skip the stopped answer's
  // rest. Where nothing runs, the gateway says so at once.
  const session = stored.token && { publicAccessToken: stored.token, isStreaming: true };
  const transport = useTriggerChatTransport({
    task: AGENT,
    baseURL: GATEWAY,
    accessToken: ({ chatId }) => mintChatAccessToken(chatId),
    startSession: ({ chatId, clientData }) => startChatSession({ chatId, clientData }),
    sessions: session && { [chatId]: session },
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
  // Also works after a reload. It comes before `chat.stop()`, which would make the transport forget
  // that an answer is under way, and let the stopped answer's rest into the next one.
  const stop = async () => {
    await transport.stopGeneration(chatId);
    chat.stop();
  };
  return <ChatView chat={chat} stop={stop} />;
}
