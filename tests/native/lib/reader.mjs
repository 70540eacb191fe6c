// A reader of a session's `.out` from its first record on, as a page has it open.

import { after } from "node:test";
import { eventually } from "../../compat/lib/wire.mjs";
import { events } from "../../../clients/typescript/dist/agent/sub-agent/events.js";

/** Follows until the test file ends. Gives the list that the records are added to. */
export function follow(gw, session) {
  const records = [];
  const end = new AbortController();
  const read = async () => {
    while (!end.signal.aborted) {
      const cursor = records.at(-1)?.seqNum;
      const response = await fetch(`${gw.url}/realtime/v1/sessions/${session}/out`, {
        signal: end.signal,
        headers: { authorization: `Bearer ${gw.key}`, "timeout-seconds": "600",
          ...(cursor === undefined ? {} : { "last-event-id": String(cursor) }) },
      });
      for await (const { event, data } of events(response.body)) {
        if (event === "batch") records.push(...JSON.parse(data).records.map(shown));
      }
    }
  };
  // It is cut off with the gateway; a test that misses records says so itself.
  const reading = read().catch(() => undefined);
  after(async () => {
    end.abort();
    await reading;
  });
  return records;
}

/**
 * Follows through everything, also the gateway's end: whenever it is cut off it comes back with its
 * cursor. `drop()` leaves, as a page that is closed and opened again. `beside(log)` waits until it
 * has read as far as the log, ends, and gives both as far as both go back.
 */
export function resuming(gw, session) {
  const records = [];
  let ended = false;
  let leaving;
  const read = async () => {
    leaving = new AbortController();
    const cursor = records.at(-1)?.seqNum;
    const response = await fetch(`${gw.url}/realtime/v1/sessions/${session}/out`, {
      signal: leaving.signal,
      headers: { authorization: `Bearer ${gw.key}`, "timeout-seconds": "600",
        ...(cursor === undefined ? {} : { "last-event-id": String(cursor) }) },
    });
    if (!response.ok) return;
    for await (const { event, data } of events(response.body)) {
      if (event === "batch") records.push(...JSON.parse(data).records.map(shown));
    }
  };
  const follow = async () => {
    while (!ended) {
      await read().catch(() => undefined);
      // Nobody may be there yet.
      await new Promise((later) => setTimeout(later, 50));
    }
  };
  const following = follow();
  const end = () => {
    ended = true;
    leaving.abort();
    return following;
  };
  after(end);
  const beside = async (log) => {
    const newest = log.at(-1).seqNum;
    await eventually(() => records.at(-1)?.seqNum >= newest, `record ${newest} at the reader`);
    await end();
    // Record 0 can't be asked for behind a trim, and who comes late begins at the trim.
    const first = Math.max(records[0].seqNum, log[0].seqNum);
    const plain = (some) => some.filter(({ seqNum }) => seqNum >= first && seqNum <= newest)
      .map(({ seqNum, data }) => [seqNum, data]);
    return { read: plain(records), log: plain(log) };
  };
  return { drop: () => leaving.abort(), beside };
}

/** As the pages of records show them. */
function shown({ seq_num: seqNum, body, headers }) {
  const { data = null, id = "" } = body === "" ? {} : JSON.parse(body);
  return { seqNum, data, id, headers };
}
