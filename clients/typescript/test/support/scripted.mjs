// A gateway's side of the agent link that is scripted frame by frame.

import { createServer } from "node:http";
import { once } from "node:events";
import { after } from "node:test";
import { WebSocketServer } from "ws";

/** `play` gets each connection with a way to read frames and to send them. */
export async function scripted(play) {
  const server = createServer();
  const sockets = new WebSocketServer({ server, path: "/v1/agents/link" });
  sockets.on("connection", (socket, request) => {
    const frames = [];
    let wake = () => {};
    socket.on("message", (data) => {
      const frame = JSON.parse(data);
      if (frame.t === "ping") return;
      frames.push(frame);
      wake();
    });
    const next = async () => {
      while (frames.length === 0) await new Promise((done) => (wake = done));
      return frames.shift();
    };
    const send = (frame) => socket.send(JSON.stringify(frame));
    play({ socket, request, next, send });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  after(() => {
    for (const socket of sockets.clients) socket.terminate();
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${server.address().port}`;
}

/** A promise, and what settles it. */
export function resolvers() {
  let resolve, reject;
  const promise = new Promise((done, failed) => ([resolve, reject] = [done, failed]));
  return { promise, resolve, reject };
}
