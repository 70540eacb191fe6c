// What is stored of a chat, before `useChat` of either kind takes it.

import { useEffect, useState } from "react";
import { loadChat, openChat } from "./actions.js";

/** Loads what is stored, then mounts `Chat` with it and with a token. */
export function StoredChat({ chatId, Chat }) {
  const [stored, setStored] = useState();
  useEffect(() => {
    Promise.all([loadChat({ chatId }), openChat(chatId)])
      .then(([chat, token]) => setStored({ ...chat, token }));
  }, [chatId]);
  if (!stored) return null;
  return <Chat chatId={chatId} {...stored} />;
}
