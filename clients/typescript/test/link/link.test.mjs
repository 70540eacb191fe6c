// The driver, over real sockets, against a gateway that is scripted frame by frame.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { once } from "node:events";
import { after, test } from "node:test";
import { WebSocketServer } from "ws";
import { FrameRefusedError, Link, LinkError, WorkLostError } from "../../dist/link/index.js";
import { resolvers, scripted } from "../support/scripted.mjs";

const WELCOME = {
  t: "welcome", heartbeat_ms: 3000, lease_ms: 9000, resume_ms: 600, window_bytes: 200,
  frame_max_bytes: 10_000,
};

const AGENTS = [{ id: "a", mode: "turns" }];
const link = (url, onWork = () => {}) =>
  new Link({ url, key: "tr_dev_k", agents: AGENTS, capacity: 2, onWork });

test("work comes, frames go in order through a small window, flush waits", async () => {
  const got = [];
  const url = await scripted(async ({ request, next, send }) => {
    assert.equal(request.headers.authorization, "Bearer tr_dev_k");
    assert.equal((await next()).t, "hello");
    send({ ...WELCOME, work: [] });
    send({ t: "turn", id: "t_1", messages: [] });
    for (;;) {
      const frame = await next();
      got.push(frame.t === "done" ? "done" : frame.chunks[0].delta);
      send({ t: "ack", id: "t_1", seq: frame.seq });
    }
  });
  const finished = resolvers();
  const subject = link(url, async (work) => {
    for (let n = 0; n < 20; n += 1) {
      await work.send({ t: "out", chunks: [{ type: "text-delta", id: "x", delta: `${n}` }] });
    }
    void work.send({ t: "done" });
    await work.flush();
    finished.resolve();
  });
  await subject.start();
  await finished.promise;
  assert.deepEqual(got, [...Array(20).keys()].map(String).concat("done"));
  await subject.close();
});

test("a cut is resumed: nothing is lost, nothing comes twice", async () => {
  const got = [];
  let connections = 0;
  const url = await scripted(async ({ socket, next, send }) => {
    const hello = await next();
    connections += 1;
    assert.equal(hello.epoch, connections);
    const work = hello.work.map(({ id }) => ({ id, held: true, acked: got.length }));
    send({ ...WELCOME, work });
    if (connections === 1) send({ t: "turn", id: "t_1" });
    for (;;) {
      const frame = await next();
      assert.equal(frame.seq, got.length + 1);
      got.push(frame.seq);
      // Every third frame is taken, and the line is cut before its ack.
      if (got.length % 3 === 0) return socket.terminate();
      send({ t: "ack", id: "t_1", seq: frame.seq });
    }
  });
  const finished = resolvers();
  const subject = link(url, async (work) => {
    for (let n = 0; n < 10; n += 1) await work.send({ t: "out", chunks: [n] });
    await work.send({ t: "done" });
    await work.flush();
    finished.resolve();
  });
  await subject.start();
  await finished.promise;
  assert.equal(got.length, 11);
  assert.equal(connections, 4);
  await subject.close();
});

test("a cancel aborts the signal, ends the frames and refuses more", async () => {
  const url = await scripted(async ({ next, send }) => {
    await next();
    send({ ...WELCOME, work: [] });
    send({ t: "turn", id: "t_1" });
    await next();
    send({ t: "in", id: "t_1", records: [{ seq_num: 4 }] });
    send({ t: "cancel", id: "t_1", reason: "stopped" });
  });
  const seen = resolvers();
  const subject = link(url, async (work) => {
    await work.send({ t: "out", chunks: [] });
    const kinds = [];
    for await (const frame of work.frames) kinds.push(frame.t);
    seen.resolve({ kinds, reason: work.signal.reason, late: work.send({ t: "done" }) });
  });
  await subject.start();
  const { kinds, reason, late } = await seen.promise;
  assert.deepEqual(kinds, ["in", "cancel"]);
  assert.ok(reason instanceof WorkLostError);
  assert.equal(reason.reason, "stopped");
  await assert.rejects(late, WorkLostError);
  await subject.close();
});

test("flush tells of a refused frame, and the work goes on", async () => {
  const url = await scripted(async ({ next, send }) => {
    await next();
    send({ ...WELCOME, work: [] });
    send({ t: "turn", id: "t_1" });
    await next();
    send({ t: "error", id: "t_1", seq: 1, code: "record_too_large", message: "over 1 MiB" });
    const { seq } = await next();
    send({ t: "ack", id: "t_1", seq });
  });
  const seen = resolvers();
  const subject = link(url, async (work) => {
    await work.send({ t: "out", chunks: [] });
    const refusal = await work.flush().catch((error) => error);
    await work.send({ t: "done" });
    await work.flush();
    seen.resolve(refusal);
  });
  await subject.start();
  const refusal = await seen.promise;
  assert.ok(refusal instanceof FrameRefusedError);
  assert.equal(refusal.code, "record_too_large");
  await subject.close();
});

test("start rejects with the gateway's words when key or registration is refused", async () => {
  const server = createServer();
  server.on("upgrade", (_, socket) => {
    const body = JSON.stringify({ ok: false, error: "no such key", code: "unauthorized" });
    socket.end(`HTTP/1.1 401 Unauthorized\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  after(() => server.close());
  const refused = link(`http://127.0.0.1:${server.address().port}`);
  await assert.rejects(refused.start(), { name: "LinkError", code: "unauthorized" });

  const url = await scripted(async ({ socket, next, send }) => {
    await next();
    send({ t: "error", code: "invalid_registration", message: "capacity 0" });
    socket.close(4500);
  });
  const rejected = { name: "LinkError", code: "invalid_registration", message: "capacity 0" };
  await assert.rejects(link(url).start(), rejected);
  assert.throws(() => link("not a url"), LinkError);
  assert.throws(() => link("ftp://x"), LinkError);
});

test("it waits for a gateway that is not there yet", async () => {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  const subject = link(`http://127.0.0.1:${port}`);
  const started = subject.start();
  await once(subject, "down");
  const sockets = new WebSocketServer({ port, host: "127.0.0.1", path: "/v1/agents/link" });
  sockets.on("connection", (socket) =>
    socket.once("message", () => socket.send(JSON.stringify({ ...WELCOME, work: [] }))));
  after(() => sockets.close());
  await started;
  await subject.close();
});
