// A customer's `/api/chat` route on a real HTTP server.

import { createServer } from "node:http";
import { once } from "node:events";
import { Readable } from "node:stream";

/**
 * Serves `route` (Fetch style: Request in, Response out). Keeps what was posted, and says when
 * the socket of a request closed before its answer was complete.
 */
export async function upstream(route) {
  const posted = [];
  const server = createServer(async (incoming, outgoing) => {
    const abort = new AbortController();
    const entry = { headers: incoming.headers, closed: undefined };
    posted.push(entry);
    entry.cut = new Promise((done) => {
      outgoing.on("close", () => {
        if (outgoing.writableFinished) return;
        entry.closed = process.hrtime.bigint();
        abort.abort();
        done(entry.closed);
      });
    });
    const text = Buffer.concat(await incoming.toArray()).toString();
    entry.body = JSON.parse(text);
    const request = new Request(`http://route${incoming.url}`, { method: incoming.method,
      headers: incoming.headers, body: text, signal: abort.signal });
    // Node forgets to abort a request that nobody holds any more.
    entry.request = request;
    try {
      const answer = await route(request, entry);
      outgoing.writeHead(answer.status, Object.fromEntries(answer.headers));
      Readable.fromWeb(answer.body).on("error", () => outgoing.destroy()).pipe(outgoing);
    } catch (error) {
      if (!abort.signal.aborted) outgoing.writeHead(500).end(String(error));
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const close = async () => {
    server.closeAllConnections();
    server.close();
    await once(server, "close");
  };
  return { url: `http://127.0.0.1:${server.address().port}/api/chat`, posted, close };
}

/** A response that streams `chunks` (an async iterable of UI message chunks) as the AI SDK does. */
export function streamed(chunks) {
  const encoder = new TextEncoder();
  const body = new ReadableStream({
    async start(out) {
      try {
        for await (const chunk of chunks) {
          out.enqueue(encoder.encode(`data: ${JSON.stringify(chunk)}\n\n`));
        }
        out.enqueue(encoder.encode("data: [DONE]\n\n"));
        out.close();
      } catch (error) {
        out.error(error);
      }
    },
  });
  return new Response(body, { headers: { "content-type": "text/event-stream",
    "x-vercel-ai-ui-message-stream": "v1" } });
}

/** TOML of an agent that asks `url`. */
export const aiSdkAgent = (id, url, more = "") => `
[[agent]]
id = "${id}"
backend = "ai_sdk"
url = "${url}"
${more}
`;
