// `useChat` of `ai` 7 over `WebSocketChatTransport`, and sockets without it.

import * as ai7 from "ai7";
import WebSocket from "ws";
import { newChat, say } from "./chats.mjs";
import { page } from "./ai.mjs";
import { call, records } from "./wire.mjs";

/** A socket's address. */
export const socketUrl = (gw, agent = "demo") =>
  `${gw.url.replace(/^http/, "ws")}/ai/${agent}/ws`;

/** The published transport, with every frame recorded. */
export function newTransport(gw, { agent = "demo", bearer = gw.key, ...options } = {}) {
  const wire = { sockets: [], sent: [], received: [] };
  class Recorded extends WebSocket {
    constructor(...args) {
      super(...args);
      wire.sockets.push(this);
      this.on("message", (data) => wire.received.push(JSON.parse(String(data))));
    }
    send(data, ...more) {
      wire.sent.push(JSON.parse(data));
      super.send(data, ...more);
    }
  }
  const headers = bearer ? { authorization: `Bearer ${bearer}` } : {};
  const transport = new ai7.WebSocketChatTransport({ url: socketUrl(gw, agent), headers,
    webSocket: Recorded, ...options });
  return { transport, wire };
}

/** A page with `useChat` over a transport that may serve other chats, too. */
export function socketPage(gw, { transport, id = newChat("ws"), messages = [], ...options } = {}) {
  const opened = page(gw, ai7, { id, messages, ...options });
  // The chat of `ai.mjs` with the other transport.
  opened.chat.transport = transport;
  return opened;
}

/** A socket that takes and gives frames as they are. `closed` gives code and reason. */
export async function rawSocket(gw, { agent = "demo", bearer = gw.key, query = "", url } = {}) {
  const headers = bearer ? { authorization: `Bearer ${bearer}` } : {};
  const socket = new WebSocket((url ?? socketUrl(gw, agent)) + query, { headers });
  const frames = [];
  let wake = () => {};
  socket.on("message", (data) => {
    frames.push(JSON.parse(String(data)));
    wake();
  });
  const closed = new Promise((done) => socket.on("close", (code, reason) => {
    done({ code, reason: String(reason) });
    wake();
  }));
  await new Promise((done, fail) => {
    socket.on("open", done);
    socket.on("unexpected-response", (_, answer) => fail(new Error(`${answer.statusCode}`)));
    socket.on("error", fail);
  });
  const until = async (done) => {
    while (!done(frames)) {
      if (socket.readyState >= WebSocket.CLOSING) throw new Error(JSON.stringify(frames.slice(-3)));
      await new Promise((woken) => (wake = woken));
    }
    return frames;
  };
  const say = (frame) => socket.send(typeof frame === "string" ? frame : JSON.stringify(frame));
  /** The frames of one request. */
  const of = (requestId) => frames.filter((frame) => frame.requestId === requestId);
  const last = async (requestId) => {
    await until(() => ["end", "error", "no-active"].includes(of(requestId).at(-1)?.type));
    return of(requestId);
  };
  return { socket, frames, until, say, of, last, closed };
}

/** A frame that sends one message. */
export const sendFrame = (requestId, id, text, more = {}) => ({ type: "send", requestId, id,
  trigger: "submit-message", messages: [say(text)], headers: {}, body: {}, ...more });

/** A frame that resumes. */
export const resumeFrame = (requestId, id, more = {}) =>
  ({ type: "resume", requestId, id, headers: {}, body: {}, ...more });

/** A ticket. */
export async function ticket(gw, { bearer = gw.key, json } = {}) {
  const answer = await call(gw, "/v1/tickets", { bearer, method: "POST", json });
  return { status: answer.status, ...(await answer.json()) };
}

/** The stops that were appended to a chat. */
export const stopsOf = async (gw, id) => (await records(gw, id, "in"))
  .filter(({ data }) => (typeof data === "string" ? JSON.parse(data) : data).kind === "stop");

/** The chunks among frames. */
export const chunksOf = (frames) =>
  frames.filter(({ type }) => type === "chunk").map(({ chunk }) => chunk);

/** The sequences among frames. */
export const sequencesOf = (frames) =>
  frames.filter(({ type }) => type === "chunk").map(({ sequence }) => sequence);
