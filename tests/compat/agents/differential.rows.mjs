// Row 103: the same agent definitions under the SDK's own offline harness and under Tidegate.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { agentRow } from "./lib/row.mjs";
import { slim } from "./lib/slim.mjs";
import { EVERY, shared } from "./lib/stage.mjs";

const says = (...texts) => texts.map((say, n) => ({ say, id: `u${n}` }));

const SCRIPTS = [
  { agent: "talk", steps: [...says("hi", "again", "/count 20", "/fail", "/reason", "/prompt"),
    { regenerate: true }] },
  { agent: "strict", clientData: { userId: "u1" }, steps: says("hi") },
  { agent: "faulty", steps: says("/throw", "/throw in a hook", "fine") },
  { agent: "editor", steps: [...says("one", "two"), { action: { type: "undo" } },
    { action: { type: "ask", text: "three" } }, { action: { type: "bogus" } },
    { action: { type: "mark", label: "x" } }, { action: { type: "again" } }] },
  { agent: "handy", steps: [...says('/tool weather {"city":"Delft"}', "/tool broken",
    "/tool progress", '/tool ask_user {"question":"which?"}'),
    { part: { state: "output-available", output: { answer: "that" } } },
    { say: '/tool delete_file {"name":"a"}', id: "u9" },
    { part: { state: "approval-responded", approval: { approved: false } } }] },
  { agent: "steered", steps: says("/steps 3 5") },
  { agent: "closer", steps: says("hi", "/close") },
  { agent: "painter", steps: says("/parts", "/reason", "/fail") },
  { agent: "discreet", steps: says("/reason") },
  { agent: "compacting", steps: says("a story", "/prompt") },
  { agent: "injecting", steps: says("/tool lookup", "/prompt") },
  { agent: "deferring", steps: says("hi") },
  { agent: "own-store", steps: says("hi", "/prompt") },
  { agent: "hydrated", steps: says("hi", "/prompt") },
  { agent: "by-session", steps: says("hi", "again") },
  { agent: "by-hand", steps: says("hi", "again") },
];

// What a writer beside the answer's writes lands anywhere in the turn.
const UNORDERED = new Set(["compacting", "painter"]);

const { talk } = await shared();
const oracle = await offline();

for (const script of SCRIPTS) {
  agentRow(103, async () => {
    const turns = await hosted(script);
    const expected = oracle[script.agent];
    assert.equal(turns.length, expected.length);
    turns.forEach((chunks, n) => {
      const step = JSON.stringify(script.steps[n]);
      const [ours, theirs] = [chunks, expected[n]].map((some) => some.map(shape));
      if (UNORDERED.has(script.agent)) for (const side of [ours, theirs]) side.sort();
      assert.deepEqual(ours, theirs, `${script.agent} ${step}`);
    });
  }, { detail: script.agent });
}

/** A chunk without what is random: its type, and its text. */
const shape = ({ type, delta, errorText }) =>
  [type, delta, errorText].filter((part) => part !== undefined).join(" ");

/** Plays a script on Tidegate; gives the chunks of each turn. */
async function hosted({ agent, clientData, steps }) {
  const one = talk(agent, { clientData });
  await one.open();
  const turns = [];
  for (const step of steps) {
    const seq = await one.payload(payloadOf(step, turns.at(-1)));
    turns.push((await one.covered(seq)).chunks);
  }
  return turns;
}

function payloadOf(step, before) {
  if (step.action) return { trigger: "action", action: step.action };
  if (step.regenerate) return { trigger: "regenerate-message" };
  const message = step.part ? slim(before, step.part)
    : { id: step.id, role: "user", parts: [{ type: "text", text: step.say }] };
  return { trigger: "submit-message", message };
}

/** Plays every script in the SDK's harness, in a process of its own. */
async function offline() {
  const notes = await mkdtemp(join(tmpdir(), "tidegate-offline-"));
  const file = fileURLToPath(new URL("./lib/offline.mjs", import.meta.url));
  const child = spawn(process.execPath, [file], { stdio: ["pipe", "pipe", "ignore"],
    env: { ...process.env, AGENT_NOTES: notes, NODE_OPTIONS: "", NODE_TEST_CONTEXT: "" } });
  child.stdin.end(JSON.stringify({ files: EVERY, scripts: SCRIPTS }));
  const exit = new Promise((done) => child.on("exit", done));
  const text = Buffer.concat(await child.stdout.toArray()).toString();
  assert.equal(await exit, 0, "the offline harness failed");
  await rm(notes, { recursive: true, force: true });
  return JSON.parse(text);
}
