// Servers of other projects that a test needs.

import { spawn } from "node:child_process";

// A shell holds the server and kills it once its own standard input is closed, which the system
// does for whoever started it, however that ends.
const SHELL = `"$@" & pid=$!
read -r _
kill -9 "$pid"
wait "$pid"
`;

/** Starts a program, a Debian package, in `cwd`. `say(text)` hears what it prints. */
export function hold([program, ...args], { cwd, say = () => {} } = {}) {
  let log = "";
  const shell = spawn("sh", ["-c", SHELL, "sh", program, ...args],
    { cwd, stdio: ["pipe", "pipe", "pipe"] });
  for (const stream of [shell.stdout, shell.stderr]) {
    stream.on("data", (text) => {
      log += text;
      say(log);
    });
  }
  const ended = new Promise((done) => {
    shell.on("error", done);
    shell.on("close", done);
  });
  const parts = [shell, shell.stdin, shell.stdout, shell.stderr];
  // From then on it does not keep a process alive whose tests are done.
  const release = () => parts.forEach((part) => part.unref());
  const stop = async () => {
    parts.forEach((part) => part.ref());
    shell.stdin.end();
    await ended;
  };
  return { stop, release, ended, log: () => log };
}
