// Which transports there are here.

import { TidegateError } from "../errors.js";
import type { Tokens } from "../tokens.js";
import type { TransportName } from "../wire.js";
import { SharedConnection, SharedTransport } from "../tabs/shared.js";
import { DuplexTransport } from "./duplex.js";
import type { Http } from "./http.js";
import { SseTransport } from "./sse.js";
import type { Transport } from "./seam.js";
import { dialWebSocket } from "./websocket.js";
import type { WebSocketMaker } from "./websocket.js";
import { dialWebTransport } from "./webtransport.js";
import type { WebTransportMaker, WebTransportOptions } from "./webtransport.js";

export interface TransportOptions {
  /**
   * Which to use, best first. `auto`, the default: WebSocket, else SSE. WebTransport is
   * experimental, and only used where it is named. Those that do not exist here are left out.
   */
  transports?: "auto" | TransportName[];
  /** Where there is no global one (Node 20): that of the `ws` package. */
  WebSocket?: WebSocketMaker;
  WebTransport?: WebTransportMaker;
  webTransport?: WebTransportOptions;
  /**
   * Do the tabs of this origin share one duplex connection? Yes, where browsers have what it takes,
   * with those whose clients have the same address and the same `share`. `false`: no.
   */
  share?: string | false;
}

export function makeTransports(url: string, http: Http, tokens: Tokens,
  options: TransportOptions): Map<TransportName, Transport> {
  const { transports = "auto" } = options;
  const names: TransportName[] = transports === "auto" ? ["websocket", "sse"] : transports;
  const made = new Map<TransportName, Transport>();
  for (const name of names) {
    const transport = make(name, url, http, tokens, options);
    if (transport !== undefined) made.set(name, transport);
  }
  if (made.size === 0) {
    throw new TidegateError("no_transport", `none of these works here: ${names.join(", ")}`);
  }
  return share(made, url, tokens, options.share);
}

/** SSE stays with each tab: a connection of it carries one read. */
function share(made: Map<TransportName, Transport>, url: string, tokens: Tokens,
  key: string | false = ""): Map<TransportName, Transport> {
  const { navigator, document } = globalThis as Partial<Window & typeof globalThis>;
  const locks = navigator?.locks as LockManager | undefined;
  if (key === false || document === undefined || locks === undefined) return made;
  if (globalThis.BroadcastChannel === undefined) return made;
  const local = new Map([...made].filter(([name]) => name !== "sse"));
  if (local.size === 0) return made;
  const connection = new SharedConnection(`${url}:${key}`, locks, local, tokens);
  return new Map([...made].map(([name, transport]) => [name, name === "sse"
    ? transport : new SharedTransport(name, connection, transport)]));
}

function make(name: TransportName, url: string, http: Http, tokens: Tokens,
  options: TransportOptions): Transport | undefined {
  if (name === "sse") return new SseTransport(http, tokens);
  if (name === "websocket") {
    const Maker = options.WebSocket ?? (globalThis.WebSocket as WebSocketMaker | undefined);
    return Maker && new DuplexTransport(name, dialWebSocket(url, Maker), tokens, Math.random);
  }
  const Maker = options.WebTransport
    ?? (globalThis as { WebTransport?: WebTransportMaker }).WebTransport;
  if (Maker === undefined || !url.startsWith("https://")) return undefined;
  const dial = dialWebTransport(url, Maker, options.webTransport ?? {});
  return new DuplexTransport(name, dial, tokens, Math.random);
}
