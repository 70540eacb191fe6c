// A model that needs no key: it says what it was told, word by word.

import { MockLanguageModelV3, simulateReadableStream } from "ai/test";

interface Part {
  type: string;
  text?: string;
}

export function echoModel({ delayMs = 0 } = {}) {
  return new MockLanguageModelV3({
    doStream: async ({ prompt }) => {
      const last = prompt.filter((message) => message.role === "user").at(-1);
      const parts = (last?.content ?? []) as Part[];
      const said = parts.map((part) => part.text ?? "").join(" ");
      const words = `you said: ${said}`.split(/(?<= )/);
      return {
        stream: simulateReadableStream({
          chunkDelayInMs: delayMs,
          chunks: [
            { type: "stream-start" as const, warnings: [] },
            { type: "text-start" as const, id: "t1" },
            ...words.map((delta) => ({ type: "text-delta" as const, id: "t1", delta })),
            { type: "text-end" as const, id: "t1" },
            {
              type: "finish" as const,
              finishReason: { unified: "stop" as const, raw: "stop" },
              usage: {
                inputTokens: { total: 1, noCache: 1, cacheRead: 0, cacheWrite: 0 },
                outputTokens: { total: words.length, text: words.length, reasoning: 0 },
              },
            },
          ],
        }),
      };
    },
  });
}
