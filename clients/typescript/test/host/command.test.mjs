// How the command ends when it can't start.

import assert from "node:assert/strict";
import { test } from "node:test";
import { gateway, hostProcess } from "../support/served.mjs";
import { fixture } from "../support/isolates.mjs";

const gw = await gateway();

async function refused(args, code, said) {
  const host = hostProcess(args);
  const ended = await host.exit;
  assert.match(host.said(), said);
  assert.deepEqual(ended, { code, signal: null });
}

test("a mistake on the command line shows the usage and ends with 2", () =>
  refused(["--url", gw.url, fixture("chats.ts")], 2, /--key is missing[^]*usage: tidegate-host/));

test("a wrong key, URL or file ends with 1 and says which", async () => {
  const file = fixture("chats.ts");
  const key = ["--key", gw.key];
  await refused(["--url", gw.url, "--key", "tr_dev_sk_wrong", file], 1, /unauthorized: /);
  await refused(["--url", "ftp://x", ...key, file], 1, /bad_url: /);
  await refused(["--url", gw.url, ...key, "none.ts"], 1, /file_not_found: /);
  await refused(["--url", gw.url, ...key, fixture("only-task.ts")], 1, /no_agents: /);
});
