// `/chat/ID` talks through TriggerChatTransport, `/ai-sdk/ID` through DefaultChatTransport, and
// `/socket/ID` through WebSocketChatTransport.

import { createRoot } from "react-dom/client";
import { AiSdkChat } from "./ai-sdk-chat.jsx";
import { SocketChat } from "./socket-chat.jsx";
import { TriggerChat } from "./trigger-chat.jsx";

const [, kind, chatId] = window.location.pathname.split("/");
const Page = { "ai-sdk": AiSdkChat, socket: SocketChat }[kind] ?? TriggerChat;
createRoot(document.getElementById("root")).render(<Page chatId={decodeURIComponent(chatId)} />);
