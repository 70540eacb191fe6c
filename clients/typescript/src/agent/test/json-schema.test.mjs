import assert from "node:assert/strict";
import { test } from "node:test";
import { jsonSchema, zodSchema } from "ai";
import { z } from "zod";
import { problemOf } from "../../../dist/agent/json-schema.js";
import { checked } from "../../../dist/agent/schema.js";

const schema = {
  type: "object",
  properties: {
    city: { type: "string" },
    days: { type: ["integer", "null"] },
    unit: { enum: ["C", "F"] },
    tags: { type: "array", items: { type: "string" } },
    when: { anyOf: [{ const: "now" }, { type: "object", required: ["at"] }] },
  },
  required: ["city"],
  additionalProperties: false,
};

test("inputs are checked as far as tools use JSON schema", () => {
  const input = { city: "Rome", days: 3, unit: "C", tags: ["a"], when: { at: 1 } };
  assert.equal(problemOf(schema, input), undefined);
  assert.equal(problemOf(undefined, 7), undefined);
  assert.equal(problemOf({ type: "of a later version", minimum: 7 }, 1), undefined);
  for (const [wrong, problem] of [
    [7, "input must be object"],
    [{}, "input.city is missing"],
    [{ city: 7 }, "input.city must be string"],
    [{ ...input, days: 1.5 }, "input.days must be integer or null"],
    [{ ...input, unit: "K" }, 'input.unit must be one of ["C","F"]'],
    [{ ...input, tags: ["a", 7] }, "input.tags[1] must be string"],
    [{ ...input, when: "later" }, "input.when has none of the forms that it may have"],
    [{ ...input, other: 1 }, "input.other is not known"],
  ]) assert.equal(problemOf(schema, wrong), problem);
});

test("schemas of every kind check, and give what they make of an input", async () => {
  const number = z.object({ n: z.coerce.number() });
  for (const one of [number, zodSchema(number), () => zodSchema(number)]) {
    assert.deepEqual(await checked(one, { n: "7" }), { value: { n: 7 } });
    assert.match((await checked(one, { n: "x" })).problem, /number/);
  }
  const problem = "input must be object";
  assert.deepEqual(await checked(jsonSchema({ type: "object" }), 7), { problem });
  assert.deepEqual(await checked({ type: "object" }, 7), { problem });
  assert.deepEqual(await checked(undefined, 7), { value: 7 });
});
