// The TypeScript client in Node behind the protocol of spec/v1/suites/clients.md.

import { createInterface } from "node:readline";

import WebSocket from "ws";

import { answer, begin, end } from "./commands.mjs";

begin({ name: "typescript", transports: ["sse", "websocket"], options: { WebSocket } });
for await (const line of createInterface({ input: process.stdin, crlfDelay: Infinity })) {
  process.stdout.write(`${await answer(line)}\n`);
}
end();
