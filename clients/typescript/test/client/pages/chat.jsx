// A chat page on the hook, for the tests of the hook.

import { StrictMode, useEffect, useState } from "react";
import { createRoot } from "react-dom/client";
import { TidegateChatTransport, webMemory } from "../../../src/client/index.ts";
import { useTidegateChat } from "../../../src/react/index.ts";

const { url, token, id } = Object.fromEntries(new URLSearchParams(location.search));
const transport = new TidegateChatTransport({ client: { url, token },
  memory: webMemory(sessionStorage) });
const saved = JSON.parse(localStorage.getItem(id) ?? "[]");

function Chat() {
  const chat = useTidegateChat({ id, transport, messages: saved });
  const [text, setText] = useState("");
  globalThis.chat = chat;
  globalThis.transport = transport;
  const { messages, status } = chat;
  // As an application's database would have it: questions at once, answers when they are finished.
  // Both tabs write; the one that knows less must not win.
  useEffect(() => {
    const known = JSON.parse(localStorage.getItem(id) ?? "[]").length;
    const whole = status === "ready" ? messages : messages.filter(({ role }, index) =>
      role === "user" || index < messages.length - 1);
    if (whole.length >= known) localStorage.setItem(id, JSON.stringify(whole));
  }, [messages, status]);
  return (
    <main data-status={status} data-transport={chat.connection?.transport ?? ""}
      data-error={chat.error?.message ?? ""}>
      {messages.map((message) => (
        <p key={message.id} data-role={message.role}>
          {message.parts.map((part) => (part.type === "text" ? part.text : "")).join("")}
        </p>
      ))}
      {chat.pending.map(({ message }) => (
        <i key={message.id}>{message.parts[0].text}</i>
      ))}
      <form onSubmit={(event) => {
        event.preventDefault();
        setText("");
        void (status === "ready" ? chat.sendMessage({ text }) : chat.steer(text));
      }}>
        <input value={text} onChange={(event) => setText(event.target.value)} />
      </form>
      <button onClick={() => chat.stop()}>Stop</button>
    </main>
  );
}

createRoot(document.getElementById("root")).render(<StrictMode><Chat /></StrictMode>);
