import assert from "node:assert/strict";
import { test } from "node:test";
import { agent, TurnError } from "../../../dist/agent/index.js";
import { answerAction } from "../../../dist/agent/actions.js";
import { registration } from "../../../dist/agent/definition.js";
import { HIDDEN_ERROR, shown } from "../../../dist/agent/errors.js";

const run = () => "";

test("an agent is registered with what it can do", () => {
  assert.deepEqual(registration(agent({ id: "a", run }), "1"),
    { id: "a", version: "1", mode: "turns", steering: false, actions: false });
  const tools = { search: { description: "Finds", execute: run }, other: {} };
  const full = agent({ id: "b", run, steering: true, onAction: run, tools });
  assert.deepEqual(registration(full, "2"), { id: "b", version: "2", mode: "turns",
    steering: true, actions: true,
    tools: [{ name: "search", description: "Finds" }, { name: "other" }] });
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
