// What a first step may have besides text: all of it is in the history of native agents, whose
// turns the gateway keeps (R-HDS-14).

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { after, describe, it } from "node:test";
import { gateway } from "../compat/harness.mjs";
import { chat } from "./lib/chat.mjs";
import { SUITE_AGENTS, start } from "./lib/workers.mjs";

const SIGNED = { provider: { signature: "s" } };
const STEP = [
  { type: "start", messageMetadata: { model: "m" } },
  { type: "start-step" },
  { type: "reasoning-start", id: "r", providerMetadata: SIGNED },
  { type: "reasoning-delta", id: "r", delta: "Hm." },
  { type: "reasoning-end", id: "r", providerMetadata: SIGNED },
  { type: "text-start", id: "t" },
  { type: "text-delta", id: "t", delta: "See there." },
  { type: "text-end", id: "t" },
  { type: "source-url", sourceId: "1", url: "https://example.com/", title: "There" },
  { type: "source-document", sourceId: "2", mediaType: "text/plain", title: "Here" },
  { type: "file", mediaType: "text/plain", url: "data:text/plain,hello" },
  { type: "data-weather", id: "w", data: { city: "Rome" } },
  { type: "finish-step" },
  { type: "finish", messageMetadata: { tokens: 3 } },
];
const KEPT = ["reasoning", "text", "source-url", "source-document", "file", "data-weather"];

const route = createServer((request, response) => {
  request.resume();
  response.writeHead(200, { "content-type": "text/event-stream" });
  for (const chunk of STEP) response.write(`data: ${JSON.stringify(chunk)}\n\n`);
  response.end("data: [DONE]\n\n");
});
route.listen(0, "127.0.0.1");
await once(route, "listening");
after(() => {
  route.closeAllConnections();
  route.close();
});

const url = `http://127.0.0.1:${route.address().port}/`;
const gw = await gateway({ agents: Object.values(SUITE_AGENTS).map(({ agent }) => `
[[agent]]
id = "${agent}"
backend = "link"
head_start = { backend = "ai_sdk", url = "${url}" }
`).join("") });

describe("what a whole answer of a first step has is kept", { concurrency: 4 }, () => {
  for (const [language, { agent, command }] of Object.entries(SUITE_AGENTS)) {
    start(gw, command);
    it(language, async () => {
      const talk = await chat(gw, agent);
      assert.deepEqual(await talk.settled(await talk.say("hi")), []);
      const [, answer] = await talk.transcript();
      assert.deepEqual(answer.metadata, { model: "m", tokens: 3 });
      const parts = answer.parts.filter(({ type }) => type !== "step-start");
      assert.deepEqual(parts.map(({ type }) => type), KEPT);
      assert.deepEqual(parts[0].providerMetadata, SIGNED);
      assert.deepEqual(await talk.reduced(), answer);
      assert.deepEqual(await talk.settled(await talk.say("history")), []);
      const [, kept, , told] = await talk.transcript();
      assert.deepEqual(kept, answer);
      assert.equal(told.parts.at(-1).text, "3: hi | history", "the agent has it, too");
    });
  }
});
