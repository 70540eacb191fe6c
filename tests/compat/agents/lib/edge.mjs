// A trusted edge: a proxy that rewrites the payload of what is appended.

import { createServer } from "node:http";
import { once } from "node:events";

/** Forwards requests to a gateway; `rewrite(payload)` gives the payload to send on. */
export async function proxy(gw, rewrite) {
  const server = createServer(async (incoming, outgoing) => {
    const text = Buffer.concat(await incoming.toArray()).toString();
    const record = JSON.parse(text);
    const answer = await fetch(`${gw.url}${incoming.url}`, { method: incoming.method,
      headers: { authorization: incoming.headers.authorization },
      body: JSON.stringify({ ...record, payload: rewrite(record.payload) }) });
    outgoing.writeHead(answer.status).end(await answer.text());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const close = async () => {
    server.close();
    await once(server, "close");
  };
  return { url: `http://127.0.0.1:${server.address().port}`, close };
}
