// `useChat` of the AI SDK, and what it has no word for.

import { useChat } from "@ai-sdk/react";
import type { UseChatHelpers, UseChatOptions } from "@ai-sdk/react";
import type { UIMessage } from "ai";
import { useCallback, useEffect, useMemo, useRef, useSyncExternalStore } from "react";
import type { TidegateChatTransport } from "../client/chat/transport.js";
import { userMessage } from "../client/payloads.js";
import type { Message } from "../client/payloads.js";
import { Watching } from "./watching.js";
import type { Watched } from "./watching.js";

export type TidegateChatOptions<M extends UIMessage> =
  Omit<UseChatOptions<M>, "chat" | "transport" | "resume"> & {
    /** The chat's id: its session's name. */
    id: string;
    /** Made once, outside of the component; all chats of a page can share it. */
    transport: TidegateChatTransport<M>;
    /** The messages that are there already. */
    messages?: M[];
    /** Join the turn that runs when the page opens. True unless said otherwise. */
    resume?: boolean;
  };

export type TidegateChat<M extends UIMessage> = UseChatHelpers<M> & Watched & {
  /** Says something while a turn runs: it steers that turn, or is answered next. See `pending`. */
  steer(message: string | M): Promise<void>;
  /** An action of the agent; what it writes is an answer like any other. */
  action(value: unknown): Promise<void>;
};

/** Turns of other tabs and devices appear by themselves. A stop stops them as well. */
export function useTidegateChat<M extends UIMessage = UIMessage>(
  options: TidegateChatOptions<M>): TidegateChat<M> {
  const { resume = true, ...rest } = options;
  const { id, transport } = options;
  const chat = useChat<M>(rest as UseChatOptions<M>);
  const latest = useRef(chat);
  latest.current = chat;
  const watching = useMemo(() =>
    new Watching(transport as unknown as TidegateChatTransport<never>, id), [transport, id]);
  const watched = useSyncExternalStore(watching.subscribe, watching.snapshot, watching.snapshot);

  const join = useJoin(latest, transport, watching, id);
  useEffect(() => watching.start({
    append: (message) => append(latest.current, message),
    insert: (messages) => insert(latest.current, messages),
    truncate: (messageId) => truncate(latest.current, messageId),
    turn: () => void join(),
  }), [watching, join]);
  useResume(resume, latest, id, transport);
  useEffect(() => {
    if (chat.status === "ready" || chat.status === "error") void join();
  }, [chat.status, join]);

  const stop = useCallback(async () => {
    // A send's own stop goes out with its abort; a turn that was joined has none.
    const own = transport.sending(id);
    if (!own) void transport.session(id).stop().catch(() => undefined);
    await latest.current.stop();
  }, [transport, id]);
  const steer = useCallback((message: string | M) => watching.steer(typeof message === "string"
    ? userMessage(message, crypto.randomUUID()) : message as unknown as Message), [watching]);
  const action = useCallback((value: unknown) =>
    latest.current.sendMessage(undefined, { body: { action: value } }), []);
  return { ...chat, ...watched, error: chat.error ?? watched.error, stop, steer, action };
}

interface Ref<T> {
  current: T;
}

/** Joins the turns of others one after the other, whenever nothing else is streamed. */
function useJoin<M extends UIMessage>(chat: Ref<UseChatHelpers<M>>,
  transport: TidegateChatTransport<M>, watching: Watching, id: string): () => Promise<void> {
  const joining = useRef(false);
  return useCallback(async () => {
    const { status } = chat.current;
    if (joining.current || status === "submitted" || status === "streaming") return;
    if (!transport.joinable(id)) return;
    joining.current = true;
    try {
      const question = watching.begins();
      if (question !== undefined) append(chat.current, question);
      await chat.current.resumeStream();
    } finally {
      joining.current = false;
    }
    if (transport.joinable(id)) queueMicrotask(() => transport.rejoin(id));
  }, [chat, transport, watching, id]);
}

/** Once for each chat, also where React mounts twice. */
function useResume<M extends UIMessage>(resume: boolean, chat: Ref<UseChatHelpers<M>>, id: string,
  transport: TidegateChatTransport<M>): void {
  const resumed = useRef<string>(undefined);
  useEffect(() => {
    if (!resume || resumed.current === id) return;
    resumed.current = id;
    if (!transport.joinable(id)) void chat.current.resumeStream();
  }, [resume, chat, id, transport]);
}

function append<M extends UIMessage>(chat: UseChatHelpers<M>, message: Message): void {
  chat.setMessages((messages) => messages.some(({ id }) => id === message.id)
    ? messages : [...messages, message as unknown as M]);
}

function insert<M extends UIMessage>(chat: UseChatHelpers<M>, fresh: Message[]): void {
  chat.setMessages((messages) => {
    const known = new Set(messages.map(({ id }) => id));
    const news = fresh.filter(({ id }) => !known.has(id)) as unknown as M[];
    const at = messages.at(-1)?.role === "assistant" ? messages.length - 1 : messages.length;
    return messages.toSpliced(at, 0, ...news);
  });
}

/** What R-TRN-6 drops. */
function truncate<M extends UIMessage>(chat: UseChatHelpers<M>, messageId: string | null): void {
  chat.setMessages((messages) => {
    const at = messages.findIndex(({ id }) => id === messageId);
    if (at !== -1) return messages.slice(0, messages[at]?.role === "assistant" ? at : at + 1);
    return messages.slice(0, messages.findLastIndex(({ role }) => role === "user") + 1);
  });
}
