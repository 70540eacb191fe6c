// `useChat` of `ai` 7 over `WebSocketChatTransport`, with the token in its frames. The ids of the
// messages are shown, and what a person does after a break is a button.

import { useMemo } from "react";
import { createRoot } from "react-dom/client";
import { useChat } from "react7";
import { WebSocketChatTransport } from "ai7";
import { ChatView } from "../../app/page/chat-view.jsx";

const chatId = decodeURIComponent(window.location.pathname.split("/")[2]);
const agent = new URLSearchParams(window.location.search).get("agent") ?? "steady";

const post = async (action) =>
  (await fetch(`/socket/${encodeURIComponent(chatId)}/${action}`, { method: "POST" })).json();

function Chat({ token, messages }) {
  const transport = useMemo(() => new WebSocketChatTransport({
    url: `${window.GATEWAY}/ai/${agent}/ws`,
    headers: { authorization: `Bearer ${token}` },
  }), [token]);
  const chat = useChat({ id: chatId, messages, transport, resume: messages.length > 0 });
  return (
    <>
      <p id="ids">{chat.messages.map(({ id }) => id).join(" ")}</p>
      <button onClick={() => chat.resumeStream()}>Resume</button>
      <button onClick={() => chat.regenerate()}>Again</button>
      <ChatView chat={chat} stop={chat.stop} />
    </>
  );
}

const [{ token }, { messages }] = await Promise.all([post("token"), post("load")]);
createRoot(document.getElementById("root")).render(<Chat token={token} messages={messages} />);
