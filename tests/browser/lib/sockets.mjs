// What goes over the pages' sockets, and a gateway that can be killed under them.

import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import { freePort, launch } from "../../compat/harness.mjs";
import { sequencesOf } from "../../compat/lib/sockets.mjs";

/** Every frame of every socket that a page opens, also after a reload. */
export function recorded(page) {
  const sockets = [];
  page.on("websocket", (socket) => {
    const wire = { sent: [], received: [] };
    sockets.push(wire);
    socket.on("framesent", ({ payload }) => wire.sent.push(JSON.parse(payload)));
    socket.on("framereceived", ({ payload }) => wire.received.push(JSON.parse(payload)));
  });
  return sockets;
}

/** The frames of one kind that the page sent. */
export const sentOf = (sockets, type) =>
  sockets.flatMap(({ sent }) => sent).filter((frame) => frame.type === type);

/**
 * The frames that each request got. Of each the chunks count from 0 without gaps, and the first
 * says which message it is; `id` is that message.
 */
export function counted(sockets, id) {
  const sent = sockets.flatMap(({ sent }) => sent).filter(({ type }) => type !== "abort");
  return sent.map(({ requestId }) => {
    const frames = sockets.flatMap(({ received }) => received)
      .filter((frame) => frame.requestId === requestId);
    const sequences = sequencesOf(frames);
    assert.deepEqual(sequences, sequences.map((_, at) => at), "from 0, without gaps");
    const [first] = frames.filter(({ type }) => type === "chunk");
    if (first && id) assert.deepEqual([first.chunk.type, first.chunk.messageId], ["start", id]);
    return frames;
  });
}

/** A gateway that comes back at its address; with a disk of its own where no store is named. */
export async function restartable({ store = "disk:" } = {}) {
  const data = await mkdtemp(join(tmpdir(), "tidegate-browser-"));
  const options = { store, data, port: await freePort() };
  let gw = await launch(options);
  const { url, key } = gw;
  const end = async () => {
    assert.equal((await gw.stop()).code, 0);
    await rm(data, { recursive: true, force: true });
  };
  const kill = async () => {
    assert.equal((await gw.stop("SIGKILL")).signal, "SIGKILL");
  };
  const start = async () => {
    gw = await launch(options);
  };
  after(end);
  return { url, key, kill, start };
}

/** The ids of the messages that `pages/socket.jsx` shows. */
export const ids = async (page) => (await page.locator("#ids").textContent()).split(" ");

/** Presses a button. */
export const press = (page, name) => page.getByRole("button", { name }).click();
