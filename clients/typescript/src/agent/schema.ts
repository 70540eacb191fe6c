// What a tool takes: as JSON schema for the model, and checked before the tool sees it.

import { problemOf } from "./json-schema.js";
import type { MaybePromise, StandardSchema } from "./types.js";

/** An input as its schema gives it, or what is wrong with it. */
export type Checked = { value: unknown } | { problem: string };

/** What `jsonSchema()` and `zodSchema()` of the AI SDK make. */
interface AiSchema {
  jsonSchema: MaybePromise<object>;
  validate?(value: unknown): MaybePromise<
    { success: true; value: unknown } | { success: false; error: Error }
  >;
}

/** Newer schema libraries give themselves as JSON schema. */
interface JsonOfStandard {
  jsonSchema?: { input(options: { target: string }): object };
}

const AI_SCHEMA = Symbol.for("vercel.ai.schema");

/** The JSON schema of `schema`; undefined if there is none, or no way to have it. */
export async function jsonSchemaOf(schema: unknown): Promise<object | undefined> {
  const made = await unwrapped(schema);
  if (isAiSchema(made)) return made.jsonSchema;
  if (!isStandard(made)) return made as object | undefined;
  try {
    const own = (made["~standard"] as JsonOfStandard).jsonSchema?.input({ target: "draft-07" });
    // Older ones are known to the AI SDK.
    return own ?? (await (await import("ai")).asSchema(made as never).jsonSchema);
  } catch {
    return undefined;
  }
}

/** Checks an input. JSON schema itself is checked as far as `problemOf` knows it. */
export async function checked(schema: unknown, input: unknown): Promise<Checked> {
  const made = await unwrapped(schema);
  if (isStandard(made)) {
    const result = await made["~standard"].validate(input);
    if (result.issues === undefined) return { value: result.value };
    return { problem: result.issues.map(({ message }) => message).join("; ") };
  }
  if (isAiSchema(made) && made.validate !== undefined) {
    const result = await made.validate(input);
    return result.success ? { value: result.value } : { problem: result.error.message };
  }
  const problem = problemOf(isAiSchema(made) ? await made.jsonSchema : made, input);
  return problem === undefined ? { value: input } : { problem };
}

/** The AI SDK also takes functions that make a schema when it is needed. */
async function unwrapped(schema: unknown): Promise<unknown> {
  return typeof schema === "function" && !isStandard(schema)
    ? await (schema as () => unknown)()
    : schema;
}

function isAiSchema(schema: unknown): schema is AiSchema {
  return typeof schema === "object" && schema !== null && AI_SCHEMA in schema;
}

function isStandard(schema: unknown): schema is StandardSchema {
  const holder = (typeof schema === "object" || typeof schema === "function") && schema !== null;
  return holder && "~standard" in (schema as object);
}
