// The model of every agent here, over HTTP: as tokens, and as a model of the AI SDK.

const MODEL = process.env.BENCH_MODEL;

/** The tokens of an answer whose first one takes `first` milliseconds. */
export async function* tokens(first, signal) {
  const answer = await fetch(`${MODEL}/${first}/v1/chat/completions`, { method: "POST", signal,
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ model: "m", stream: true, messages: [] }) });
  let pending = "";
  for await (const text of answer.body.pipeThrough(new TextDecoderStream())) {
    const lines = (pending + text).split("\n\n");
    pending = lines.pop();
    for (const line of lines) {
      if (line === "data: [DONE]") return;
      const { content } = JSON.parse(line.slice("data: ".length)).choices[0].delta;
      if (content) yield content;
    }
  }
}

/** Says that a chat's agent has booted. */
export const booted = (chat) => fetch(`${MODEL}/booted/${chat}`, { method: "POST" });

/** Agents as the harness wants them: `{id, boot, first}` each. */
export const wanted = (kind) =>
  JSON.parse(process.env.BENCH_AGENTS).filter((agent) => agent.kind === kind);

/** A model for `streamText`. */
export const model = (first) => ({
  specificationVersion: "v3",
  provider: "bench",
  modelId: "m",
  supportedUrls: {},
  doGenerate: () => Promise.reject(new Error("it streams")),
  doStream: async ({ abortSignal }) => ({ stream: ReadableStream.from(parts(first, abortSignal)) }),
});

async function* parts(first, signal) {
  yield { type: "stream-start", warnings: [] };
  let begun = false;
  for await (const delta of tokens(first, signal)) {
    if (!begun) yield { type: "text-start", id: "t" };
    begun = true;
    yield { type: "text-delta", id: "t", delta };
  }
  yield { type: "text-end", id: "t" };
  yield { type: "finish", finishReason: { unified: "stop", raw: "stop" }, usage: {
    inputTokens: { total: 1, noCache: 1, cacheRead: 0, cacheWrite: 0 },
    outputTokens: { total: 21, text: 21, reasoning: 0 } } };
}
