export { Client, createClient } from "./client.js";
export type { ClientOptions } from "./client.js";
export { OutboxFullError, TidegateError } from "./errors.js";
export type { ClientCode } from "./errors.js";
export type { ChunkEvent, ControlEvent, GapEvent, RecordEvent, SessionClosedEvent, SessionEvent,
  StateEvent, TurnCompleteEvent } from "./events.js";
export { webStorage } from "./outbox.js";
export type { OutboxStorage, PendingAppend } from "./outbox.js";
export type { Message, SendOptions } from "./payloads.js";
export type { AppendOptions, Approval, CreateOptions, PageRecord, ReadOptions, Session, ToolOutput,
  Transcript } from "./session.js";
export type { StartSession } from "./starter.js";
export type { OutboxEntry, OutboxLimits } from "./state/outbox.js";
export type { SubscribeOptions, Subscription } from "./subscription.js";
export type { TokenSource } from "./tokens.js";
export type { TransportOptions } from "./transports/make.js";
export type { WebSocketLike, WebSocketMaker } from "./transports/websocket.js";
export type { WebTransportMaker, WebTransportOptions } from "./transports/webtransport.js";
export type { Appended, Chunk, Gap, Place, TransportName, WireRecord } from "./wire.js";
export { TidegateChatTransport } from "./chat/transport.js";
export type { ChatTransportOptions } from "./chat/transport.js";
export { pageMemory, webMemory } from "./chat/memory.js";
export type { ChatMark, ChatMemory } from "./chat/memory.js";
export type { Said } from "./chat/tabs.js";
