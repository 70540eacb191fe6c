// The other hooks of the SDK: several tabs, pending messages, actions.

import { createRoot } from "react-dom/client";
import { useChat } from "@ai-sdk/react";
import {
  useChatActions, useMultiTabChat, usePendingMessages, useTriggerChatTransport,
} from "@trigger.dev/sdk/chat/react";
import { ChatView } from "../../app/page/chat-view.jsx";

const chatId = decodeURIComponent(window.location.pathname.split("/")[2]);
const post = async (action) =>
  (await fetch(`/hooks/${encodeURIComponent(chatId)}/${action}`, { method: "POST" })).json();

function Chat() {
  const transport = useTriggerChatTransport({
    task: "steady",
    baseURL: window.GATEWAY,
    multiTab: true,
    accessToken: async () => (await post("token")).token,
    startSession: () => post("start"),
  });
  const chat = useChat({ id: chatId, transport });
  const { messages, setMessages, sendMessage, status } = chat;
  const { isReadOnly } = useMultiTabChat(transport, chatId, messages, setMessages);
  const pending = usePendingMessages({ transport, chatId, status, messages, setMessages,
    sendMessage });
  const { sendAction } = useChatActions({ sendMessage });
  return (
    <>
      <p id="read-only">{String(isReadOnly)}</p>
      <p id="pending">{pending.pending.map(({ text, mode }) => `${mode}:${text}`).join(",")}</p>
      <button onClick={() => pending.steer("turn left")}>Steer</button>
      <button onClick={() => pending.queue("afterwards")}>Queue</button>
      <button onClick={() => sendAction({ type: "say", text: "An action says" })}>Act</button>
      <ChatView chat={chat} stop={() => transport.stopGeneration(chatId)} />
    </>
  );
}

createRoot(document.getElementById("root")).render(<Chat />);
