// Raw access to the gateway, and fetches that keep a record of what went through.

import { setTimeout as sleep } from "node:timers/promises";

/** A pass-through `fetch` override of the SDK that records requests and answers. */
export function recorder() {
  const requests = [];
  const record = async (url, init, context) => {
    const entry = {
      url: String(url),
      method: init?.method ?? "GET",
      headers: Object.fromEntries(new Headers(init?.headers)),
      body: init?.body,
      endpoint: context?.endpoint,
    };
    requests.push(entry);
    const answer = await fetch(url, init);
    entry.status = answer.status;
    entry.answer = Object.fromEntries(answer.headers);
    return answer;
  };
  const of = (endpoint) => requests.filter((request) => request.endpoint === endpoint);
  return { fetch: record, requests, of };
}

/** Records what goes through the global fetch while `work` runs, unchanged. */
export async function spying(work) {
  const requests = [];
  const real = globalThis.fetch;
  globalThis.fetch = async (input, init) => {
    const request = { url: String(input?.url ?? input), method: init?.method ?? "GET",
      headers: Object.fromEntries(new Headers(init?.headers)), body: init?.body };
    requests.push(request);
    const answer = await real(input, init);
    request.status = answer.status;
    return answer;
  };
  try {
    return { result: await work(), requests };
  } finally {
    globalThis.fetch = real;
  }
}

/** One raw request to the gateway with its secret key (or another bearer; null for none). */
export function call(gw, path, { bearer = gw.key, headers = {}, json, ...init } = {}) {
  return fetch(`${gw.url}${path}`, {
    ...init,
    method: init.method ?? (json === undefined ? "GET" : "POST"),
    body: json === undefined ? init.body : JSON.stringify(json),
    headers: {
      ...(json === undefined ? {} : { "content-type": "application/json" }),
      ...(bearer ? { authorization: `Bearer ${bearer}` } : {}),
      ...headers,
    },
  });
}

/**
 * Every record of a channel that can still be read: `{seqNum, data, id, headers}`. Reading without
 * a cursor starts at the replay floor; what lies before it is read with one, from seq 1 on.
 */
export async function records(gw, session, io = "out", bearer = gw.key) {
  const path = `/realtime/v1/sessions/${encodeURIComponent(session)}/${io}/records`;
  const page = async (after) => {
    const query = after === undefined ? "" : `?afterEventId=${after}`;
    const answer = await call(gw, path + query, { bearer });
    if (answer.status !== 200) throw new Error(`${answer.status} ${await answer.text()}`);
    return (await answer.json()).records;
  };
  const all = await page();
  if (all.length > 0 && all[0].seqNum > 0) all.splice(0, all.length, ...(await page(0)));
  for (let more = all; more.length > 0; all.push(...more)) more = await page(all.at(-1).seqNum);
  return all;
}

/** A record's header, or undefined. */
export const header = (record, name) =>
  record.headers?.find(([key]) => key === name)?.[1];

/** The turn boundaries of a session, each with the input it answers. */
export async function boundaries(gw, session, bearer) {
  const out = await records(gw, session, "out", bearer);
  return out
    .filter((record) => header(record, "trigger-control") === "turn-complete")
    .map((record) => ({ seq: record.seqNum, input: Number(header(record, "session-in-event-id")),
      hasInput: header(record, "session-in-event-id") !== undefined, record }));
}

/** Asks again until `probe` gives something true; what it gave last is in the error. */
export async function eventually(probe, what = "it", seconds = 60) {
  let last;
  for (let attempt = 0; attempt < seconds * 40; attempt += 1) {
    last = await probe();
    if (last) return last;
    await sleep(25);
  }
  throw new Error(`${what} did not happen within ${seconds} s; last: ${JSON.stringify(last)}`);
}

/** Waits until a session has `count` boundaries. */
export const settled = (gw, session, count, bearer) =>
  eventually(async () => {
    const found = await boundaries(gw, session, bearer);
    return found.length >= count && found;
  }, `${count} boundaries of ${session}`);

/** Waits for the record that ends a session; gives all of its kind. */
export const closings = (gw, session) =>
  eventually(async () => {
    const found = (await records(gw, session)).filter((record) =>
      header(record, "trigger-control") === "session-closed");
    return found.length > 0 && found;
  }, `the end of ${session}`);

/** The claims of a JWT. */
export const claims = (jwt) => JSON.parse(Buffer.from(jwt.split(".")[1], "base64url"));
