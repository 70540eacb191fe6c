// Rows 60–62: writing `.out` with the SDK, which goes over S2.

import assert from "node:assert/strict";
import { gateway } from "../harness.mjs";
import { newChat } from "../lib/chats.mjs";
import { row } from "../lib/row.mjs";
import { configure, isOldest, sessions } from "../lib/sdk.mjs";
import { call, header, records, spying } from "../lib/wire.mjs";

const gw = await gateway();
configure({ baseURL: gw.url, secretKey: gw.key });

const delta = (text) => ({ type: "text-delta", id: "t", delta: text });

/** A session that nobody answers, and its `.out`. */
async function open() {
  const name = newChat();
  await sessions.start({ type: "chat.agent", externalId: name, taskIdentifier: "demo",
    triggerConfig: { basePayload: { chatId: name, trigger: "preload" } } });
  return { name, out: sessions.open(name).out };
}

/** The oldest SDK names the place behind the last record instead of the record. */
const last = (seq) => String(isOldest ? seq + 1 : seq);

const texts = async (name) =>
  (await records(gw, name)).map(({ data }) => data?.delta ?? null);

row(60, {}, async () => {
  const { name, out } = await open();
  await out.append(delta("one"));
  const piped = out.pipe((async function* () {
    for (const text of ["two", "three"]) yield delta(text);
  })());
  const pipeResult = await piped.waitUntilComplete();
  assert.equal(pipeResult?.lastEventId, last(2));
  const written = out.writer({ execute: ({ write, merge }) => {
    write(delta("four"));
    merge(ReadableStream.from([delta("five")]));
  } });
  assert.equal((await written.waitUntilComplete())?.lastEventId, last(4));
  assert.deepEqual(await texts(name), ["one", "two", "three", "four", "five"]);

  // One credential serves several writers at a time, and each keeps its order.
  const many = await Promise.all(Array.from({ length: 8 }, async (_, writer) => {
    const { waitUntilComplete } = out.pipe((async function* () {
      for (let n = 0; n < 25; n += 1) yield delta(`${writer}:${n}`);
    })());
    return (await waitUntilComplete())?.lastEventId;
  }));
  assert.equal(new Set(many).size, 8);
  const all = (await texts(name)).slice(5);
  assert.equal(all.length, 200);
  for (let writer = 0; writer < 8; writer += 1) {
    const own = all.filter((text) => text.startsWith(`${writer}:`));
    assert.deepEqual(own, Array.from({ length: 25 }, (_, n) => `${writer}:${n}`));
  }

  // A chunk that is too large is an error of its writer alone.
  const large = out.pipe(ReadableStream.from([delta("x".repeat(1024 * 1024))]));
  await assert.rejects(large.waitUntilComplete(), /ChatChunkTooLargeError/);
  await out.append(delta("after"));
  assert.equal((await texts(name)).at(-1), "after");

  // Public tokens do not get credentials.
  const bearer = await mintFor(name);
  const refused = await call(gw, `/realtime/v1/sessions/${name}/out`, { bearer, method: "PUT" });
  assert.equal(refused.status, 403);

  // Side channels are written in the same way.
  const side = sessions.open(name).channel?.("progress");
  if (side) {
    await side.out.append({ percent: 50 });
    const page = await call(gw, `/realtime/v1/sessions/${name}/channels/progress/out/records`);
    assert.deepEqual((await page.json()).records.map(({ data }) => data), [{ percent: 50 }]);
  }
});

row(61, {}, async () => {
  const { name, out } = await open();
  await out.append(delta("answer"));
  const extra = [["session-in-event-id", "7"], ["public-access-token", "must not be stored"]];
  const { result, requests } = await spying(() => out.writeControl("turn-complete", extra));
  assert.deepEqual(result, { lastEventId: "1" });
  const posts = requests.filter(({ url }) => url.startsWith(`${gw.url}/s2/v1/streams/`));
  assert.deepEqual(posts.map(({ status }) => status), [200]);
  const control = (await records(gw, name)).at(-1);
  assert.equal(control.seqNum, 1);
  assert.equal(control.data, null);
  assert.equal(header(control, "trigger-control"), "turn-complete");
  assert.equal(header(control, "session-in-event-id"), "7");
  assert.equal(header(control, "public-access-token"), undefined);
  const controls = [];
  const read = await out.read({ timeoutInSeconds: 1, onControl: (event) => controls.push(event) });
  for await (const _ of read) if (controls.length > 0) break;
  assert.equal(controls.length > 0, true);
});

row(62, {}, async () => {
  const { name, out } = await open();
  for (const text of ["one", "two"]) await out.append(delta(text));
  const { lastEventId } = await out.writeControl("turn-complete");
  assert.equal(lastEventId, "2");
  await out.trimTo(2);
  const { lastEventId: next } = await out.writeControl("turn-complete");
  assert.equal(next, "4", "the command has a place of its own");
  const page = await call(gw, `/realtime/v1/sessions/${name}/out/records`);
  const from = (await page.json()).records.map(({ seqNum }) => seqNum);
  assert.deepEqual(from, [2, 4]);
  const seen = [];
  const read = await out.read({ timeoutInSeconds: 1, onPart: ({ id }) => seen.push(id) });
  for await (const chunk of read) assert.fail(`a command was shown: ${JSON.stringify(chunk)}`);
  assert.deepEqual(await texts(name).then((all) => all.slice(0, 2)), ["two", null]);
  // Never back.
  await out.trimTo(0);
  const again = await call(gw, `/realtime/v1/sessions/${name}/out/records`);
  assert.equal((await again.json()).records[0].seqNum, 2);
});

async function mintFor(name) {
  const answer = await call(gw, `/api/v1/sessions`, { json: { type: "chat.agent",
    externalId: name, taskIdentifier: "demo",
    triggerConfig: { basePayload: { chatId: name, trigger: "preload" } } } });
  return (await answer.json()).publicAccessToken;
}
