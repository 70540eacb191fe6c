// `useChat` of ai 7 over one WebSocket to the gateway, which a ticket opens.

import { useMemo } from "react";
import { useChat } from "react7";
import {
  WebSocketChatTransport, lastAssistantMessageIsCompleteWithApprovalResponses,
} from "ai7";
import { AGENT, GATEWAY } from "./actions.js";
import { ChatView } from "./chat-view.jsx";
import { StoredChat } from "./stored-chat.jsx";

export const SocketChat = ({ chatId }) => <StoredChat chatId={chatId} Chat={Chat} />;

/** A ticket works once; the transport asks for one whenever it opens a socket. */
async function ticket(token) {
  const headers = { Authorization: `Bearer ${token}` };
  const answer = await fetch(`${GATEWAY}/v1/tickets`, { method: "POST", headers });
  return { ticket: (await answer.json()).ticket };
}

function Chat({ chatId, messages, token }) {
  const transport = useMemo(() => new WebSocketChatTransport({
    url: `${GATEWAY}/ai/${AGENT}/ws`,
    params: () => ticket(token),
  }), [token]);
  const chat = useChat({
    id: chatId,
    messages,
    transport,
    resume: messages.length > 0,
    sendAutomaticallyWhen: lastAssistantMessageIsCompleteWithApprovalResponses,
  });
  return <ChatView chat={chat} stop={chat.stop} />;
}
