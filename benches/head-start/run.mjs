// How long a user waits for the first words of a new chat, with a head start and without.
// `--help` lists the options; ../README.md says what is measured.

import { cpus, loadavg, release, tmpdir } from "node:os";
import { cp, mkdtemp, rm, symlink } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { setTimeout as sleep } from "node:timers/promises";
import {
  close, create, direct, endAll, follow, followRoute, newChat, percentile, program, say,
} from "./lib.mjs";

const path = (some) => fileURLToPath(new URL(some, import.meta.url));
process.env.TIDEGATE_BIN ??= path("../../target/release/tidegate");
const { launch } = await import("../../tests/compat/harness.mjs");

const FIRST_MS = 400;
/** What Trigger.dev publishes: first token, boot, and what a cold start waits for besides. */
const PUBLISHED = { first: 389, boot: 488 + 1_900 };
const PAUSE_MS = 300;
const BURSTS = 3;

const { values: options } = parseArgs({ options: {
  rounds: { type: "string", default: "30" },
  boots: { type: "string", default: "500,1000,2000" },
  only: { type: "string", multiple: true },
  burst: { type: "string" },
  limit: { type: "string", default: "2400" },
  store: { type: "string", default: "memory:" },
  help: { type: "boolean" },
} });

/** The forms: how one turn of each is made. `kind` and `head` say which agent it needs. */
const FORMS = {
  model: { name: "the model alone", turn: alone },
  cold: { name: "cold", kind: "chat" },
  "cold-native": { name: "cold, native agent", kind: "native" },
  preload: { name: "preload, message after the boot", kind: "chat", turn: warm },
  route: { name: "published chat.headStart, a Node route", kind: "chat", turn: routed },
  gateway: { name: "gateway head start", kind: "chat", head: true },
  "gateway-native": { name: "gateway head start, native agent", kind: "native", head: true },
};

const HELP = `node run.mjs [--rounds N] [--boots MS,…] [--only FORM]… [--burst N] [--store URL]
             [--limit SECONDS]

forms: ${Object.keys(FORMS).join(", ")}
--only published is the setting of Trigger.dev's published figures; without --only all are measured.
--burst N opens N new chats at once with native agents, and measures nothing else.
--limit begins no round after so many seconds.`;

function alone({ first, model }) {
  return direct(`${model}/${first}/v1/chat/completions`);
}

async function cold({ gw, agent }) {
  const chat = newChat();
  const begun = performance.now();
  await create(gw, agent, chat);
  await say(gw, chat);
  const seen = await follow(gw, chat, begun);
  await close(gw, chat);
  return seen;
}

async function warm({ gw, agent, model }) {
  const chat = newChat();
  await create(gw, agent, chat);
  await fetch(`${model}/booted/${chat}`);
  await sleep(PAUSE_MS);
  const begun = performance.now();
  await say(gw, chat);
  const seen = await follow(gw, chat, begun);
  await close(gw, chat);
  return seen;
}

async function routed({ gw, agent, route, first }) {
  const chat = newChat();
  const seen = await followRoute(`${route}/${agent}/${first}`, chat, performance.now());
  await close(gw, chat);
  return seen;
}

const idOf = (setting, { kind, head }) =>
  `${kind}-${setting.boot}-${setting.first}${head ? "-head" : ""}`;

/** Everything that runs, with an agent of each kind for each setting. */
async function staged(settings) {
  const folder = await mkdtemp(join(tmpdir(), "tidegate-head-start-"));
  await cp(path("agents"), folder, { recursive: true });
  await symlink(path("../../tests/compat/node_modules"), join(folder, "node_modules"));
  const model = await program([path("model.mjs")]);
  const some = Object.values(FORMS).filter(({ kind }) => kind);
  const agents = settings.flatMap((setting) => some.map((form) =>
    ({ ...setting, kind: form.kind, head: form.head, id: idOf(setting, form) })));
  const unique = [...new Map(agents.map((agent) => [agent.id, agent])).values()];
  const toml = unique.filter(({ head }) => head).map(({ id, first }) => `
[[agent]]
id = "${id}"
backend = "link"
head_start = { backend = "openai", url = "${model}/${first}/v1", model = "m", wait = "60s" }
`).join("");
  const gw = await launch({ agents: toml, store: options.store });
  const env = { BENCH_MODEL: model, BENCH_AGENTS: JSON.stringify(unique),
    BENCH_SDK: path("../../clients/typescript/dist/agent/index.js"),
    TIDEGATE_URL: gw.url, TIDEGATE_KEY: gw.key };
  const [, , route] = await Promise.all([
    program([path("../../clients/typescript/dist/host/main.js"), "--workspaces",
      join(folder, "workspaces"), "--capacity", "32", join(folder, "chat.mjs")], env),
    program([join(folder, "native.mjs")], env),
    program([join(folder, "route.mjs")], env),
  ]);
  const end = async () => {
    await endAll();
    await gw.stop("SIGKILL");
    await rm(folder, { recursive: true, force: true });
  };
  return { gw, model, route, end };
}

const ms = (value) => value < 100 ? value.toFixed(1) : value.toFixed(0);
const pair = (values) => `${ms(percentile(values, 0.5))} / ${ms(percentile(values, 0.99))}`;

/** Runs the rounds, the forms in turns within each, and prints the rows. */
async function measured(settings, forms, rounds) {
  const place = await staged(settings);
  const until = performance.now() + Number(options.limit) * 1_000;
  const found = settings.map(() => forms.map(() => []));
  try {
    for (let round = -1; round < rounds && performance.now() < until; round += 1) {
      for (const [at, setting] of settings.entries()) {
        for (const [index, form] of forms.entries()) {
          const turn = FORMS[form].turn ?? cold;
          const seen = await turn({ ...place, ...setting, agent: idOf(setting, FORMS[form]) });
          // The first round warms everything up.
          if (round >= 0) found[at][index].push(seen);
          await sleep(PAUSE_MS);
        }
      }
    }
  } finally {
    await place.end();
  }
  settings.forEach((setting, at) => printed(setting, forms, found[at]));
}

const COLUMNS = ["form", "turns", "first text p50 / p99 ms", "model asked after p50 / p99 ms",
  "over the model p50 / p99 ms", "whole turn p50 / p99 ms", "first text against cold", "faults"];

const line = (cells) => console.log(`| ${cells.join(" | ")} |`);

function printed({ title }, forms, rows) {
  const median = (row) => percentile(row.map(({ first }) => first), 0.5);
  const base = rows[forms.indexOf("cold")];
  console.log(`\n${title}\n`);
  line(COLUMNS);
  console.log(`|${"---|".repeat(COLUMNS.length)}`);
  for (const [index, row] of rows.entries()) {
    if (row.length === 0) continue;
    const cut = base?.length > 0 && base !== row
      ? `${(100 * (median(row) / median(base) - 1)).toFixed(1)} %` : "";
    const of = (name) => pair(row.map((seen) => seen[name]));
    const faults = row.filter(({ fault }) => fault);
    line([FORMS[forms[index]].name, row.length, of("first"), of("asked"), of("over"), of("total"),
      cut, faults.length]);
    if (faults.length > 0) console.error(`${forms[index]}: ${faults[0].fault}`);
  }
}

/** Many new chats at once, a few times. */
async function burst(count, setting) {
  const place = await staged([setting]);
  const forms = ["model", "cold-native", "gateway-native"];
  const found = [];
  try {
    for (const form of forms) {
      const turn = FORMS[form].turn ?? cold;
      const one = () => turn({ ...place, ...setting, agent: idOf(setting, FORMS[form]) });
      const all = () => Promise.all(Array.from({ length: count }, one));
      await all();
      const turns = [];
      for (let round = 0; round < BURSTS; round += 1) {
        await sleep(PAUSE_MS);
        turns.push(...await all());
      }
      found.push(turns);
    }
  } finally {
    await place.end();
  }
  printed(setting, forms, found);
}

if (options.help) {
  console.log(HELP);
  process.exit(0);
}
const [{ model: cpu }] = cpus();
const version = (await import("node:child_process")).execFileSync(process.env.TIDEGATE_BIN,
  ["--version"]).toString().trim();
console.log(`${new Date().toISOString().slice(0, 10)}, ${cpus().length} cores (${cpu}), ` +
  `Linux ${release()}, Node ${process.versions.node}, ${version}, \`${options.store}\`, load ` +
  loadavg().map((load) => load.toFixed(1)).join(" "));
const boots = options.boots.split(",").map((boot) => ({ boot: Number(boot), first: FIRST_MS,
  title: `The agent boots for ${boot} ms; the model's first token takes ${FIRST_MS} ms.` }));
const published = { ...PUBLISHED, title: `Trigger.dev's published setting: first token after ` +
  `${PUBLISHED.first} ms, and ${PUBLISHED.boot} ms of queue, hooks and boot.` };
if (options.burst) {
  const [setting] = options.boots === "500,1000,2000" ? [boots[1]] : boots;
  await burst(Number(options.burst), { ...setting,
    title: `${options.burst} new chats at once. ${setting.title}` });
} else {
  const only = options.only ?? [];
  const named = Object.keys(FORMS).filter((form) => only.includes(form));
  const settings = only.length === 1 && only[0] === "published" ? [published]
    : [...boots, ...(only.length === 0 || only.includes("published") ? [published] : [])];
  await measured(settings, named.length > 0 ? named : Object.keys(FORMS), Number(options.rounds));
}
process.exit(0);
