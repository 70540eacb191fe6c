// A gateway with TLS and UDP on one port, behind a relay that can block UDP.

import { execFileSync } from "node:child_process";
import { X509Certificate, createHash } from "node:crypto";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import { MINTING_KEY, freePort } from "../../../../../tests/compat/harness.mjs";
import { node } from "../../../../../tests/compat/lib/node.mjs";

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

/** A certificate that browsers take by its hash: ECDSA, at most 14 days. */
function certificate(folder) {
  const [cert, key] = ["cert.pem", "key.pem"].map((name) => join(folder, name));
  execFileSync("openssl", ["req", "-x509", "-newkey", "ec", "-pkeyopt",
    "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", key, "-out", cert, "-days", "10",
    "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"],
  { stdio: "ignore" });
  const der = new X509Certificate(readFileSync(cert)).raw;
  return { cert, key, hash: [...createHash("sha256").update(der).digest()] };
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
