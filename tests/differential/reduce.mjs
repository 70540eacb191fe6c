// Reduces chunk sequences with the published reducers of ai 5, 6 and 7.
//
// stdin, one JSON object a line, one of
//   {id, versions: ["ai7", ...], initial, chunks: [...], unchecked?}   a sequence to reduce
//   {id, versions: ["ai7", ...], messages: [...]}                      messages to keep
//   {id, versions: ["ai7", ...], convert: [...]}                       messages for a model
// stdout, one a line: {id} and, per version, {message} or {error, at, where}; {} or {error};
// {converted}.
//
// A sequence runs as it does in a browser: every chunk passes `uiMessageChunkSchema`, then the
// reducer. Only chunks of the type `unchecked`, which no version knows, skip the schema.
// Messages pass if the version validates them and makes model messages of them.
import { createInterface } from "node:readline";
import * as ai5 from "ai5";
import * as ai6 from "ai6";
import * as ai7 from "ai7";

const reducers = Object.fromEntries(
  Object.entries({ ai5, ai6, ai7 }).map(([name, ai]) => [
    name,
    {
      read: ai.readUIMessageStream,
      schema: ai.uiMessageChunkSchema(),
      validate: ai.validateUIMessages,
      convert: ai.convertToModelMessages,
    },
  ]),
);

async function check(schema, chunks, unchecked) {
  const valid = [];
  for (const [at, chunk] of chunks.entries()) {
    if (chunk.type === unchecked) {
      valid.push(chunk);
      continue;
    }
    const result = await schema.validate(chunk);
    if (!result.success) return { valid, refused: { error: "refused", at, where: "schema" } };
    valid.push(result.value);
  }
  return { valid };
}

async function reduce({ read, schema }, { initial, chunks, unchecked }) {
  const { valid, refused } = await check(schema, chunks, unchecked);
  const message = structuredClone(initial);
  // The reducer does not publish every change (a step boundary, for one). A last `start` that
  // repeats the id in force changes nothing and makes it publish.
  const named = valid.findLast((chunk) => chunk.type === "start" && chunk.messageId != null);
  const publish = { type: "start", messageId: named?.messageId ?? message.id };
  const input = structuredClone([...valid, publish]);
  // The reducer reads a chunk's type when its turn comes: the last one read is the one it is at.
  let at = -1;
  for (const [index, chunk] of input.entries()) {
    const { type } = chunk;
    const get = () => ((at = Math.max(at, index)), type);
    Object.defineProperty(chunk, "type", { get, enumerable: true });
  }
  let taken = 0;
  const stream = new ReadableStream(
    {
      pull(controller) {
        if (taken === input.length) controller.close();
        else controller.enqueue(input[taken++]);
      },
    },
    { highWaterMark: 0 },
  );
  let last;
  let thrown;
  // An `error` chunk is reported the same way as a throw, but the reducer goes on after it.
  const shown = new Set(valid.filter((c) => c.type === "error").map((c) => c.errorText));
  const onError = (error) => {
    if (!shown.has(error?.message)) thrown ??= { error: String(error?.message ?? error) };
  };
  for await (const snapshot of read({ message, stream, onError })) last = snapshot;
  if (thrown) return { ...thrown, at, where: "reducer" };
  return refused ?? { message: last };
}

async function keep({ validate, convert }, { messages }) {
  try {
    await convert(await validate({ messages }));
    return {};
  } catch (error) {
    return { error: String(error?.message ?? error) };
  }
}

async function forModel({ convert }, request) {
  return { converted: await convert(request.convert) };
}

for await (const line of createInterface({ input: process.stdin })) {
  const request = JSON.parse(line);
  const answer = { id: request.id };
  const ask = request.messages ? keep : request.convert ? forModel : reduce;
  for (const name of request.versions) answer[name] = await ask(reducers[name], request);
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
