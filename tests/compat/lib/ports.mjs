// Ports for servers that a test starts.

import { randomInt } from "node:crypto";
import { createServer } from "node:net";

// Below those that the system gives to outgoing connections: one of these could take the port
// before its server does. 10080 is one that browsers and fetch refuse to connect to.
const FIRST = 11_000;
const END = 32_000;
const TRIES = 100;

/** A port that was free a moment ago. */
export async function freePort() {
  for (let attempt = 0; attempt < TRIES; attempt += 1) {
    const port = randomInt(FIRST, END);
    if (await isFree(port)) return port;
  }
  throw new Error(`no free port in ${TRIES} tries`);
}

function isFree(port) {
  return new Promise((done, failed) => {
    const server = createServer();
    server.on("error", (error) => (error.code === "EADDRINUSE" ? done(false) : failed(error)));
    server.listen(port, "127.0.0.1", () => server.close(() => done(true)));
  });
}
