// A TCP relay that cuts connections, or holds back what the gateway says.

import { once } from "node:events";
import { connect, createServer } from "node:net";
import { after } from "node:test";

/** For `relay`: cuts at random bytes, later each time, so that the largest event passes. */
export function cuts(random, first) {
  let connections = 0;
  return () => first + Math.floor(random() * first * 4 * (connections += 1));
}

/**
 * In front of `port`. `budget()`: how many bytes of the gateway's the next connection may bring
 * before it is cut; Infinity: all. `hold()` lets nothing of the gateway's through any more on the
 * connections that are there; `kill()` cuts them; `refuse(true)` cuts new ones at once.
 */
export async function relay(port, budget = () => Infinity) {
  const pairs = new Set();
  let refusing = false;
  let accepted = 0;
  const server = createServer((client) => {
    accepted += 1;
    if (refusing) return client.destroy();
    const upstream = connect(port, "127.0.0.1");
    const pair = { client, upstream, held: false };
    pairs.add(pair);
    let left = budget();
    const end = () => {
      pairs.delete(pair);
      client.destroy();
      upstream.destroy();
    };
    client.on("data", (bytes) => upstream.write(bytes));
    upstream.on("data", (bytes) => {
      if (pair.held) return;
      client.write(left === Infinity ? bytes : bytes.subarray(0, left));
      left -= bytes.length;
      if (left <= 0) client.end(end);
    });
    for (const socket of [client, upstream]) {
      socket.on("error", end);
      socket.on("close", end);
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  after(() => {
    server.close();
    for (const { client, upstream } of pairs) {
      client.destroy();
      upstream.destroy();
    }
  });
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    get accepted() {
      return accepted;
    },
    get open() {
      return pairs.size;
    },
    hold: () => pairs.forEach((pair) => (pair.held = true)),
    kill: () => pairs.forEach(({ client }) => client.destroy()),
    refuse: (on) => (refusing = on),
  };
}
