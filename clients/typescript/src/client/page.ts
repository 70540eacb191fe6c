// What a browser's page goes through, as far as connections care. Nothing in Node.

export interface PageEvents {
  /** Whatever was waited for may be there now: the network, the person. */
  wake(): void;
  online(online: boolean): void;
  /** The page may be frozen or kept for the back button: nothing must stay open. */
  hide(): void;
  show(): void;
}

/** Listens until the returned function is called. */
export function watchPage(events: PageEvents): () => void {
  const page = globalThis as unknown as Window;
  const document = page.document as Document | undefined;
  if (document === undefined) return () => undefined;
  const visible = () => {
    if (document.visibilityState === "visible") events.wake();
  };
  const shown = (event: Event) => {
    if ((event as PageTransitionEvent).persisted) events.show();
  };
  const listeners: [EventTarget, string, (event: Event) => void][] = [
    [page, "online", () => events.online(true)],
    [page, "offline", () => events.online(false)],
    [page, "pagehide", () => events.hide()],
    [page, "pageshow", shown],
    [document, "visibilitychange", visible],
    [document, "freeze", () => events.hide()],
    [document, "resume", () => events.show()],
  ];
  for (const [target, name, listener] of listeners) target.addEventListener(name, listener);
  return () => {
    for (const [target, name, listener] of listeners) target.removeEventListener(name, listener);
  };
}
