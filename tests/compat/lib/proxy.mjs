// A TCP proxy in front of the gateway whose connections can be cut. It has a thread of its own:
// a link that was cut is given up soon, whatever the test is busy with meanwhile.

import { connect, createServer } from "node:net";
import { Worker, parentPort, workerData } from "node:worker_threads";

/**
 * Forwards to `port`. `drop()` destroys every connection, and gives how many there have been; new
 * ones work.
 */
export async function proxy(port) {
  const thread = new Worker(new URL(import.meta.url), { workerData: { proxyTo: port } });
  const waiting = [];
  let connections = 0;
  const answer = () => new Promise((done) => waiting.push(done));
  thread.on("message", (news) => {
    if (news.connections) connections = news.connections;
    else waiting.shift()(news);
  });
  const { listening } = await answer();
  const drop = async () => {
    thread.postMessage("drop");
    return (await answer()).dropped;
  };
  return { url: `http://127.0.0.1:${listening}`, drop, close: () => thread.terminate(),
    get connections() { return connections; } };
}

if (workerData?.proxyTo) serve(workerData.proxyTo);

function serve(port) {
  const pairs = new Set();
  let connections = 0;
  const server = createServer((client) => {
    parentPort.postMessage({ connections: (connections += 1) });
    const upstream = connect(port, "127.0.0.1");
    const pair = [client, upstream];
    pairs.add(pair);
    const end = () => {
      client.destroy();
      upstream.destroy();
      pairs.delete(pair);
    };
    for (const socket of pair) socket.on("error", end).on("close", end);
    client.pipe(upstream);
    upstream.pipe(client);
  });
  server.listen(0, "127.0.0.1", () => {
    parentPort.postMessage({ listening: server.address().port });
  });
  parentPort.on("message", () => {
    for (const [client, upstream] of pairs) {
      client.resetAndDestroy();
      upstream.destroy();
    }
    parentPort.postMessage({ dropped: connections });
  });
}
