// A customer's routes with the published `chat.headStart`: `/AGENT/FIRST`.

import { createServer } from "node:http";
import { Readable } from "node:stream";
import { configure } from "@trigger.dev/sdk";
import { chat } from "@trigger.dev/sdk/chat-server";
import { streamText } from "ai";
import { model } from "./ask.mjs";

configure({ baseURL: process.env.TIDEGATE_URL, secretKey: process.env.TIDEGATE_KEY });

const server = createServer(async (incoming, outgoing) => {
  const [, agentId, first] = incoming.url.split("/");
  const body = Buffer.concat(await incoming.toArray()).toString();
  const route = chat.headStart({ agentId, run: async ({ chat: step }) =>
    streamText({ ...step.toStreamTextOptions({ tools: {} }), model: model(Number(first)) }) });
  const answer = await route(new Request("http://route/", { method: "POST", body,
    headers: { "content-type": "application/json" } }));
  outgoing.writeHead(answer.status, Object.fromEntries(answer.headers));
  Readable.fromWeb(answer.body).on("error", () => outgoing.destroy()).pipe(outgoing);
});
server.listen(0, "127.0.0.1", () => {
  console.log(`serving http://127.0.0.1:${server.address().port}`);
});
