// What a chat remembers over a reload of its page.

export interface ChatMark {
  /** The seq of the last boundary that was read: the turn after it is replayed whole. */
  cursor?: number;
  /** The `.in` seq of an input of ours whose turn is not over. */
  asked?: number;
}

export interface ChatMemory {
  get(chatId: string): ChatMark | undefined;
  set(chatId: string, mark: ChatMark): void;
}

/** For as long as the page lives. */
export function pageMemory(): ChatMemory {
  const marks = new Map<string, ChatMark>();
  return {
    get: (chatId) => marks.get(chatId),
    set: (chatId, mark) => void marks.set(chatId, mark),
  };
}

/** In `sessionStorage` or `localStorage`: one small entry for each chat. */
export function webMemory(storage: Pick<Storage, "getItem" | "setItem">,
  prefix = "tidegate-chat:"): ChatMemory {
  return {
    get: (chatId) => {
      const text = storage.getItem(prefix + chatId);
      return text === null ? undefined : JSON.parse(text) as ChatMark;
    },
    set: (chatId, mark) => {
      try {
        storage.setItem(prefix + chatId, JSON.stringify(mark));
      } catch {
        // A full or forbidden storage: a reload then asks the gateway what runs.
      }
    },
  };
}
