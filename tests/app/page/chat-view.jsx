// Messages, a form, a stop button, and questions about tools.

import { useState } from "react";

/** Renders what `useChat` returned. */
export function ChatView({ chat, stop }) {
  const { messages, sendMessage, status, error, addToolApprovalResponse } = chat;
  const [input, setInput] = useState("");
  const busy = status === "submitted" || status === "streaming";
  const submit = (event) => {
    event.preventDefault();
    if (!input.trim()) return;
    sendMessage({ text: input });
    setInput("");
  };
  return (
    <main data-status={status}>
      {messages.map((message) => (
        <section key={message.id} data-id={message.id} data-role={message.role}>
          <strong>{message.role}: </strong>
          {message.parts.map((part, index) => (
            <Part key={index} part={part} decide={addToolApprovalResponse} />
          ))}
        </section>
      ))}
      {error && <p role="alert">{error.message}</p>}
      <form onSubmit={submit}>
        <input value={input} onChange={(event) => setInput(event.target.value)}
          placeholder="Type a message…" />
        <button type="submit" disabled={busy}>Send</button>
        {busy && <button type="button" onClick={stop}>Stop</button>}
      </form>
    </main>
  );
}

function Part({ part, decide }) {
  if (part.type === "text") return <span data-part="text">{part.text}</span>;
  if (part.type === "reasoning") return <em>{part.text}</em>;
  if (!part.type.startsWith("tool-")) return null;
  return (
    <p data-part={part.type} data-state={part.state}>
      {part.type.slice("tool-".length)}({JSON.stringify(part.input)})
      {part.state === "output-available" && ` = ${JSON.stringify(part.output)}`}
      {part.state === "approval-requested" && (
        <>
          <button type="button" onClick={() => decide({ id: part.approval.id, approved: true })}>
            Approve
          </button>
          <button type="button" onClick={() => decide({ id: part.approval.id, approved: false })}>
            Deny
          </button>
        </>
      )}
    </p>
  );
}
