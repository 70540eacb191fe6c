// WebSocket under the duplex binding.

import type { Dial } from "./connection.js";

const SUBPROTOCOL = "tidegate.v1";
/** RFC 6455: what a client may say when it closes. */
const clientCode = (code: number) => (code === 1000 || code >= 3000 ? code : 1000);

/** What of a WebSocket is used: browsers', Node's own, and the `ws` package's have it. */
export interface WebSocketLike {
  send(text: string): void;
  close(code?: number): void;
  onopen: ((event: never) => void) | null;
  onmessage: ((event: never) => void) | null;
  onclose: ((event: never) => void) | null;
  onerror: ((event: never) => void) | null;
}

export type WebSocketMaker = new (url: string, protocols: string[]) => WebSocketLike;

export function dialWebSocket(url: string, Maker: WebSocketMaker): Dial {
  return (events) => {
    const socket = new Maker(`${url.replace(/^http/, "ws")}/v1/connect`, [SUBPROTOCOL]);
    let over = false;
    const end = (why: { code?: number; reason?: string }) => {
      if (over) return;
      over = true;
      events.closed(why);
    };
    socket.onopen = () => events.opened();
    socket.onmessage = (event: { data: unknown }) => {
      if (!over) events.received(String(event.data));
    };
    socket.onclose = (event: { code: number; reason: string }) =>
      end({ code: event.code, reason: event.reason });
    socket.onerror = () => undefined;
    return {
      send: (text) => {
        if (!over) socket.send(text);
      },
      // A peer that is gone does not answer the close: nobody waits for it.
      close: (code) => {
        socket.close(clientCode(code));
        end({ code });
      },
    };
  };
}
