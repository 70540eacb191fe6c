// `/chat/ID` talks through TriggerChatTransport, `/ai-sdk/ID` through DefaultChatTransport.

import { createRoot } from "react-dom/client";
import { AiSdkChat } from "./ai-sdk-chat.jsx";
import { TriggerChat } from "./trigger-chat.jsx";

const [, kind, chatId] = window.location.pathname.split("/");
const Page = kind === "ai-sdk" ? AiSdkChat : TriggerChat;
createRoot(document.getElementById("root")).render(<Page chatId={decodeURIComponent(chatId)} />);
