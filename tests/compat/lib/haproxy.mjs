// HAProxy with the configuration that users copy, in front of any number of gateways.

import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { hold } from "./held.mjs";

const CONFIG = fileURLToPath(
  new URL("../../../spec/deploy/balancers/haproxy.cfg", import.meta.url));
// The first gateway's line in either backend; the second's is filled in the same way.
const FIRST = /^ {4}server gateway1 127\.0\.0\.1:8787(?: track tidegate\/gateway1)?$/gm;
const SECOND = /^ {4}server gateway2 127\.0\.0\.1:8788.*\n/gm;

/** Starts it at `port`; each request goes to the next of `gateways` (ports). */
export async function haproxy(folder, port, gateways) {
  const config = await readFile(CONFIG, "utf8");
  await writeFile(join(folder, "haproxy.cfg"), filled(config, port, gateways));
  return hold(["haproxy", "-db", "-q", "-f", "haproxy.cfg"], { cwd: folder });
}

function filled(config, port, gateways) {
  const line = (first) => gateways.map((gateway, index) => first
    .replaceAll("gateway1", `gateway${index + 1}`).replace("8787", String(gateway))).join("\n");
  return [
    ["bind :8080", `bind 127.0.0.1:${port}`],
    // The least loaded one would nearly always be the first.
    [/balance leastconn/g, "balance roundrobin"],
    [SECOND, ""],
    [FIRST, line],
  ].reduce((text, [old, now]) => {
    const next = text.replace(old, now);
    if (next === text) throw new Error(`the configuration has no ${old}`);
    return next;
  }, config);
}
