// Runs every compatibility test and prints the checklist row by row, with both SDK versions.
// Arguments (`rows/send.test.mjs`, `traps/`) run only those files, without the checklist.

import { spawn } from "node:child_process";
import { mkdtemp, readFile, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { printAgentTable } from "./agents/lib/table.mjs";
import { CATALOGUE } from "./lib/catalogue.mjs";
import { EXPECTED_FAILURES } from "./lib/expected-failures.mjs";

const HERE = dirname(fileURLToPath(import.meta.url));
const VERSIONS = [
  { label: "4.8.3", sdk: "@trigger.dev/sdk" },
  { label: "4.5.0", sdk: "sdk45" },
];

const wanted = process.argv.slice(2);
const folder = await mkdtemp(join(tmpdir(), "tidegate-report-"));
const outcomes = [];
for (const { label, sdk } of VERSIONS) {
  outcomes.push({ label, events: await run(`SDK ${label}`, await files("rows"), sdk, 3) });
}
const others = [...(await files("traps")), ...(await files("aisdk")), ...(await files("upstream")),
  ...(await files("restarts")), ...(await files("docs"))];
const rest = await run("traps, AI SDK, upstreams, restarts, docs", others, VERSIONS[0].sdk, 3);
const agents = await run("agents", await files("agents"), VERSIONS[0].sdk, 3);
await rm(folder, { recursive: true, force: true });

if (wanted.length === 0) printTable(outcomes);
const missing = wanted.length === 0 ? [...printAgentTable(agents), ...missingRows()] : [];
finish([...outcomes.flatMap(({ label, events }) => events.map((event) =>
  ({ ...event, name: event.name && `${event.name} [${label}]` }))), ...rest, ...agents]);

async function files(name) {
  const all = await readdir(join(HERE, name)).catch(() => []);
  return all.filter((file) => file.endsWith(".test.mjs")).sort().map((file) => join(name, file))
    .filter((file) => wanted.length === 0 || wanted.some((part) => file.startsWith(part)));
}

/** Runs files, `together` at a time, and returns what the reporter noted. */
async function run(title, paths, sdk, together = 1) {
  if (paths.length === 0) return [];
  console.log(`\n== ${title} ==`);
  const notes = join(folder, `${title.replaceAll(/\W/g, "-")}.ndjson`);
  const child = spawn(process.execPath, ["--test", `--test-concurrency=${together}`,
    "--test-force-exit", "--test-reporter=spec", "--test-reporter-destination=stdout",
    "--test-reporter=./lib/reporter.mjs", "--test-reporter-destination=stderr", ...paths], {
    cwd: HERE, stdio: ["ignore", "inherit", "inherit"],
    env: { ...process.env, TIDEGATE_SDK: sdk, TIDEGATE_NOTES: notes } });
  await new Promise((done) => child.on("exit", done));
  const text = await readFile(notes, "utf8").catch(() => "");
  return text.split("\n").filter(Boolean).map((line) => JSON.parse(line));
}

function printTable(columns) {
  console.log("\n== The checklist, row by row ==");
  const cell = (text, width) => text.padEnd(width);
  console.log(`${cell("row", 5)}${cell("capability", 46)}` +
    columns.map(({ label }) => cell(`sdk ${label}`, 12)).join(""));
  for (const [number, { name }] of Object.entries(CATALOGUE)) {
    const cells = columns.map(({ events }) => cell(verdict(events, number), 12));
    console.log(`${cell(number, 5)}${cell(name, 46)}${cells.join("")}`);
  }
}

function verdict(events, number) {
  const prefix = `row ${number.padStart(2, "0")} `;
  const found = events.find(({ name, skip }) => name?.startsWith(prefix) && !skip);
  if (!found) return "MISSING";
  if (found.event === "test:fail") return "FAIL";
  const lacks = events.some(({ message }) => message?.startsWith(`n/a ${number}: `));
  return lacks ? "n/a" : "pass";
}

/** Prints the sum. A failure that is expected is none; an expected one that passes is one. */
function finish(events) {
  const tests = events.filter(({ event, skip }) => event?.startsWith("test:") && !skip);
  const expected = (name) => EXPECTED_FAILURES.find(({ test }) => name.startsWith(test));
  const failed = [...missing];
  for (const { event, name, error } of tests) {
    const known = expected(name);
    if (event === "test:fail" && !known) failed.push(`${name}: ${error}`);
    if (event === "test:pass" && known) {
      failed.push(`${name} passes now: take it off lib/expected-failures.mjs (${known.why})`);
    }
    if (event === "test:fail" && known) console.log(`expected failure: ${name} (${known.why})`);
  }
  for (const failure of failed) console.log(`FAILED ${failure}`);
  console.log(`\n${tests.length - failed.length} passed, ${failed.length} failed`);
  process.exitCode = failed.length === 0 && tests.length > 0 ? 0 : 1;
}

/** The rows that did not run. */
function missingRows() {
  return Object.entries(CATALOGUE).flatMap(([number, { name }]) =>
    outcomes.filter(({ events }) => verdict(events, number) === "MISSING")
      .map(({ label }) => `row ${number} ${name} did not run with ${label}`));
}
