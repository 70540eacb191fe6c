// What tests with browsers and TLS share.

import { execFileSync } from "node:child_process";
import { createHash, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import path from "node:path";

/** A certificate that browsers take by its hash: ECDSA, at most 14 days. */
export function certificate(dir) {
  const [cert, key] = ["cert.pem", "key.pem"].map((name) => path.join(dir, name));
  execFileSync("openssl", ["req", "-x509", "-newkey", "ec", "-pkeyopt",
    "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", key, "-out", cert, "-days", "10",
    "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"],
  { stdio: "ignore" });
  const der = new X509Certificate(readFileSync(cert)).raw;
  return { cert, key, hash: [...createHash("sha256").update(der).digest()] };
}

/** Nobody listens there. */
export const freePort = () => new Promise((resolve) => {
  const server = createServer().listen(0, "127.0.0.1", () => {
    const { port } = server.address();
    server.close(() => resolve(port));
  });
});

/** Waits until somebody listens there. */
export async function up(port) {
  for (;;) {
    const connected = await new Promise((resolve) => {
      const socket = connect(port, "127.0.0.1", () => resolve(true));
      socket.on("error", () => resolve(false));
      socket.on("connect", () => socket.destroy());
    });
    if (connected) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
