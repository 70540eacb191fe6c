// What stands behind the address of a test's gateway. Tests do not know: TIDEGATE_COMPAT_TOPOLOGY
// says it, so that all of them can run on each.
//
//   (not set)  one gateway with the store that the test asks for
//   redis      one gateway on a Redis of its own
//   redis3     three gateways on one Redis, behind HAProxy, each request to the next of them

import { freePort } from "./ports.mjs";
import { haproxy } from "./haproxy.mjs";
import { node, ready } from "./node.mjs";
import { redis } from "./redis.mjs";

const GATEWAYS = { redis: 1, redis3: 3 };
const NAME = process.env.TIDEGATE_COMPAT_TOPOLOGY || undefined;
if (NAME && !GATEWAYS[NAME]) throw new Error(`no topology ${NAME}`);

/** How many gateways there are, for limits that each of them counts for itself. */
export const gateways = GATEWAYS[NAME] ?? 1;

/** The stores of launches that have data of their own, by folder: they outlive a launch. */
const kept = new Map();

/**
 * Starts what is asked for at `port`. `toml({ port, storeUrl, behind })` is the configuration of a
 * gateway. Gives `stop(signal)` and `logs()`.
 */
export async function start({ folder, port, storeUrl, keep, toml }) {
  if (!NAME) return node(folder, port, toml({ port, storeUrl }));
  const store = kept.get(folder) ?? (await redis());
  if (keep) kept.set(folder, store);
  const one = () => node(folder, port, toml({ port, storeUrl: store.url }));
  const place = await (gateways === 1 ? one()
    : fleet({ folder, port, storeUrl: store.url, toml }));
  const stop = async (signal) => {
    const ended = await place.stop(signal);
    if (!keep) await store.stop();
    return ended;
  };
  return { ...place, stop };
}

async function fleet({ folder, port, storeUrl, toml }) {
  const ports = [];
  while (ports.length < gateways) ports.push(await freePort());
  const nodes = await Promise.all(ports.map((own) =>
    node(folder, own, toml({ port: own, storeUrl, behind: true }))));
  const balancer = await haproxy(folder, port, ports);
  await ready(`http://127.0.0.1:${port}`, balancer.ended, balancer.log);
  balancer.release();
  const stop = async (signal) => {
    const ends = await Promise.all(nodes.map((one) => one.stop(signal)));
    await balancer.stop();
    return ends.find(({ code }) => code !== 0) ?? ends[0];
  };
  const logs = () => nodes.map((one, index) => `gateway ${index + 1}:\n${one.logs()}`).join("");
  return { stop, logs };
}
