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
    const slow = heardIn(prompt).at(-1).startsWith("slow");
    return { stream: streamed(parts(prompt), slow, abortSignal) };
  },
};

function* parts(prompt) {
  yield { type: "stream-start", warnings: [] };
  const heard = heardIn(prompt);
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

const heardIn = (prompt) =>
  prompt.filter(({ role }) => role === "user").map(({ content }) => content[0].text);

/** What came of a call: its output, or that it was refused. */
function shown({ type, output }) {
  if (type !== "tool-result") return type;
  return output.type === "execution-denied" ? "denied" : JSON.stringify(output.value);
}

/** A text that begins with "slow" is never answered to its end. */
function streamed(given, slow, signal) {
  return new ReadableStream({
    async pull(controller) {
      const { value, done } = given.next();
      if (done) return controller.close();
      controller.enqueue(value);
      if (slow && value.type === "text-delta" && value.delta === "slow ") {
        await sleep(60_000, undefined, { signal }).catch(() => controller.error(signal.reason));
      }
    },
  });
}
