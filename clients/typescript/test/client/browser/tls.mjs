// A gateway with TLS and UDP on one port, behind a relay that can block UDP.

import { createSocket } from "node:dgram";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import { MINTING_KEY, freePort } from "../../../../../tests/compat/harness.mjs";
import { node } from "../../../../../tests/compat/lib/node.mjs";
import { certificate } from "../../../../../tests/quic/lib.mjs";

/** `url` is plain; `tls` is the address for browsers, `hash` that of its certificate. */
export async function tlsGateway() {
  const folder = mkdtempSync(join(tmpdir(), "tidegate-tls-"));
  const { cert, key, hash } = certificate(folder);
  const [port, plain] = [await freePort(), await freePort()];
  const place = await relay(port);
  const tls = `https://127.0.0.1:${place.port}`;
  const gw = await node(folder, plain, `
[server]
listen = "127.0.0.1:${port}"
listen_plain = "127.0.0.1:${plain}"
public_url = "${tls}"
[server.tls]
cert = ${JSON.stringify(cert)}
key = ${JSON.stringify(key)}
[store]
url = "memory:"
[[environment]]
name = "dev"
secret_keys = ["${MINTING_KEY}"]
[[agent]]
id = "steady"
backend = "demo"
words_per_second = 100
`);
  after(async () => {
    await gw.stop("SIGKILL");
    rmSync(folder, { recursive: true, force: true });
  });
  return { url: `http://127.0.0.1:${plain}`, key: MINTING_KEY, tls, hash, block: place.block };
}

async function relay(to) {
  let blocked = false;
  const sockets = new Set();
  const tcp = createServer((client) => {
    const upstream = connect(to, "127.0.0.1");
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on("error", () => undefined);
      socket.on("close", () => {
        client.destroy();
        upstream.destroy();
      });
    }
    client.pipe(upstream).pipe(client);
  });
  tcp.listen(0, "127.0.0.1");
  await once(tcp, "listening");
  const { port } = tcp.address();
  const udp = createSocket("udp4");
  const ways = new Map();
  udp.on("message", (bytes, from) => {
    if (blocked) return;
    let way = ways.get(from.port);
    if (way === undefined) {
      ways.set(from.port, (way = createSocket("udp4")));
      way.on("message", (back) => blocked || udp.send(back, from.port, from.address));
    }
    way.send(bytes, to, "127.0.0.1");
  });
  udp.bind(port, "127.0.0.1");
  await once(udp, "listening");
  after(() => {
    tcp.close();
    udp.close();
    for (const way of ways.values()) way.close();
    for (const socket of sockets) socket.destroy();
  });
  return { port, block: () => (blocked = true) };
}
