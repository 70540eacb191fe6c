import assert from "node:assert/strict";
import { test } from "node:test";
import { tool } from "ai";
import { jsonSchema as jsonSchema5, tool as tool5 } from "ai5";
import { jsonSchema as jsonSchema7, tool as tool7 } from "ai7";
import { z } from "zod";
import { agent, TurnError } from "../../../dist/agent/index.js";
import { answerAction } from "../../../dist/agent/actions.js";
import { registration } from "../../../dist/agent/definition.js";
import { HIDDEN_ERROR, shown } from "../../../dist/agent/errors.js";

const run = () => "";

test("an agent is registered with what it can do", async () => {
  assert.deepEqual(await registration(agent({ id: "a", run }), "1"),
    { id: "a", version: "1", mode: "turns", steering: false, actions: false, handover: "calls" });
  const tools = { search: { description: "Finds", execute: run }, other: {} };
  const full = agent({ id: "b", run, steering: true, onAction: run, tools });
  assert.deepEqual(await registration(full, "2"), { id: "b", version: "2", mode: "turns",
    steering: true, actions: true, handover: "calls",
    tools: [{ name: "search", description: "Finds" }, { name: "other" }] });
});

test("tools are registered with their schemas, however those are written", async () => {
  const plain = { type: "object", properties: { city: { type: "string" } }, required: ["city"] };
  const inputSchema = z.object({ city: z.string() });
  const older = { "~standard": { validate: inputSchema["~standard"].validate } };
  const provider = { type: "provider", id: "openai.web_search", args: {}, inputSchema };
  const tools = { plain: { inputSchema: plain }, zod: { inputSchema },
    ai: tool({ description: "Finds", inputSchema, execute: run }),
    ai5: tool5({ inputSchema: jsonSchema5(plain), needsApproval: true }),
    ai7: tool7({ inputSchema: () => jsonSchema7(plain), needsApproval: run }),
    never: { needsApproval: false }, older: { inputSchema: older }, provider };
  const { tools: registered } = await registration(agent({ id: "a", run, tools }), "1");
  const found = Object.fromEntries(registered.map(({ name, ...rest }) => [name, rest]));
  for (const name of ["zod", "ai"]) {
    const { type, properties, required } = found[name].input_schema;
    assert.deepEqual({ type, properties, required }, plain, name);
  }
  assert.equal(found.ai.description, "Finds");
  assert.deepEqual(found.plain, { input_schema: plain });
  assert.deepEqual([found.ai5, found.ai7],
    Array(2).fill({ input_schema: plain, needs_approval: true }));
  assert.deepEqual([found.never, found.older], [{}, {}]);
  assert.ok(!("provider" in found));
});

test("wrong declarations are typed errors", () => {
  for (const wrong of [undefined, {}, { id: "" }, { id: 1, run }, { id: "a" }]) {
    assert.throws(() => agent(wrong), TypeError);
  }
});

test("only the text of a TurnError is shown", () => {
  assert.equal(shown(new TurnError("shown")), "shown");
  assert.equal(shown(new Error("secret")), HIDDEN_ERROR);
  assert.equal(shown(new Error("secret"), (error) => `oh, ${error.message}`), "oh, secret");
});

test("actions are found by their type, checked, and else left to onAction", async () => {
  const schema = { "~standard": { validate: ({ n }) =>
    (typeof n === "number" ? { value: n + 1 } : { issues: [{ message: "n is no number" }] }) } };
  const actions = { add: { schema, run: (n) => `n is ${n}` } };
  const ask = (action, options = {}) =>
    answerAction(agent({ id: "a", run, actions, ...options }), { action });
  assert.equal(await ask({ type: "add", n: 1 }), "n is 2");
  await assert.rejects(ask({ type: "add", n: "1" }), { name: "TurnError", message: /no number/ });
  for (const action of [{ type: "constructor" }, { type: 7 }, {}, null]) {
    await assert.rejects(ask(action), { name: "TurnError", message: /unknown action/ });
    assert.equal(await ask(action, { onAction: () => "other" }), "other");
  }
});
