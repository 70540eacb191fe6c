// A model for the AI SDK that needs no key. It follows what the last message asks for:
// `call TOOL INPUT` calls a tool, everything else is told what was heard so far.

import { setTimeout as sleep } from "node:timers/promises";

const usage = {
  inputTokens: { total: 1, noCache: 1, cacheRead: 0, cacheWrite: 0 },
  outputTokens: { total: 1, text: 1, reasoning: 0 },
};

export const model = {
  specificationVersion: "v3",
  provider: "test",
  modelId: "listener",
  supportedUrls: {},
  doGenerate() {
    throw new Error("agents stream");
  },
  async doStream({ prompt, abortSignal }) {
    return { stream: streamed(parts(prompt), abortSignal) };
  },
};

function* parts(prompt) {
  yield { type: "stream-start", warnings: [] };
  const heard = prompt.filter(({ role }) => role === "user").map(({ content }) => content[0].text);
  const last = prompt.at(-1);
  const [, toolName, input] = /^call (\w+) (.*)$/.exec(heard.at(-1)) ?? [];
  if (last.role === "user" && toolName !== undefined) {
    yield { type: "tool-call", toolCallId: `call-${heard.length}`, toolName, input };
    yield { type: "finish", finishReason: { unified: "tool-calls", raw: undefined }, usage };
    return;
  }
  const outputs = last.role === "tool" ? last.content.map(shown) : [];
  const texts = [`I heard: ${heard.join(", ")}.`, ...outputs.map((output) => ` Tool: ${output}.`)];
  yield { type: "text-start", id: "1" };
  for (const word of texts.join("").split(/(?<= )/)) {
    yield { type: "text-delta", id: "1", delta: word };
  }
  yield { type: "text-end", id: "1" };
  yield { type: "finish", finishReason: { unified: "stop", raw: undefined }, usage };
}

/** What came of a call: its output, or that it was refused. */
function shown({ type, output }) {
  if (type !== "tool-result") return type;
  return output.type === "execution-denied" ? "denied" : JSON.stringify(output.value);
}

/** "slow" in a text makes the model so: it can be stopped in the middle. */
function streamed(given, signal) {
  return new ReadableStream({
    async pull(controller) {
      const { value, done } = given.next();
      if (done) return controller.close();
      controller.enqueue(value);
      if (value.type === "text-delta" && value.delta.startsWith("slow")) {
        await sleep(60_000, undefined, { signal }).catch(() => controller.error(signal.reason));
      }
    },
  });
}
