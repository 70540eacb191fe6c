// Processes of a measurement, and one turn as a subscriber sees it.

import { Agent, request } from "node:http";
import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { events } from "../../clients/typescript/dist/agent/sub-agent/events.js";

// The text of a whole answer: how long the model took, when it was asked, and its words.
const WORDS = Array.from({ length: 20 }, (_, at) => ` w${at + 1}`).join("");
const WHOLE = new RegExp(`^([0-9.]+)@([0-9.]+)${WORDS}$`);

const children = new Set();

/** Starts a Node program; resolves to what it says behind `serving`. */
export async function program(args, env = {}) {
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe"],
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...env } });
  children.add(child);
  let log = "";
  return new Promise((done, failed) => {
    const read = (text) => {
      log += text;
      const [, what] = log.match(/^serving (.*)$/m) ?? [];
      if (what) done(what);
    };
    child.stdout.on("data", read);
    child.stderr.on("data", read);
    child.on("exit", (code) => {
      children.delete(child);
      failed(new Error(`${args[0]} ended with ${code}:\n${log}`));
    });
  });
}

/** Ends what was started. */
export async function endAll() {
  await Promise.all([...children].map((child) => new Promise((done) => {
    child.on("exit", done);
    child.kill("SIGKILL");
  })));
}

// `fetch` would cost more than what is measured.
const agent = new Agent({ keepAlive: true, maxSockets: Infinity, maxFreeSockets: 1_024 });

/** One request; gives the answer once its head is there. */
const http = (url, json, headers = {}) => new Promise((done, failed) => {
  const body = json && JSON.stringify(json);
  const sent = request(url, { agent, method: body ? "POST" : "GET", headers: { ...headers,
    ...(body && { "content-type": "application/json", "content-length": body.length }) } },
  (answer) => {
    if (answer.statusCode < 300) return done(answer);
    answer.toArray().then((text) =>
      failed(new Error(`${url}: ${answer.statusCode} ${Buffer.concat(text)}`)));
  });
  sent.on("error", failed).end(body);
});

const open = (gw, path, json, headers) =>
  http(`${gw.url}${path}`, json, { authorization: `Bearer ${gw.key}`, ...headers });

/** One request to the gateway, answered. */
export const call = async (...args) => {
  for await (const _ of await open(...args));
};

export const create = (gw, agent, chat) => call(gw, "/api/v1/sessions", { type: "chat.agent",
  externalId: chat, taskIdentifier: agent,
  triggerConfig: { basePayload: { chatId: chat, trigger: "preload" } } });

export const close = (gw, chat) => call(gw, `/api/v1/sessions/${chat}/close`, {});

export const newChat = () => `bench-${randomUUID()}`;

export const say = (gw, chat) => call(gw, `/realtime/v1/sessions/${chat}/in/append`, {
  kind: "message", payload: { chatId: chat, trigger: "submit-message",
    message: { id: `u-${chat}`, role: "user", parts: [{ type: "text", text: "hi" }] } } });

/**
 * What came of one turn, in ms from `begun`: `first` text, `asked` the model, `total`; `over` is
 * `first` without what the model took.
 */
class Seen {
  text = "";
  starts = 0;

  constructor(begun) {
    this.begun = begun;
  }

  add(text) {
    if (this.text === "") this.first = performance.now() - this.begun;
    this.text += text;
  }

  end() {
    this.total = performance.now() - this.begun;
    const [, model, asked] = WHOLE.exec(this.text) ?? [];
    return { first: this.first, total: this.total, over: this.first - Number(model ?? 0),
      asked: Number(asked ?? 0) - performance.timeOrigin - this.begun,
      fault: model === undefined && (this.text || "nothing") };
  }
}

/** Reads a session's `.out` until its first turn is over. */
export async function follow(gw, chat, begun) {
  const seen = new Seen(begun);
  const answer = await open(gw, `/realtime/v1/sessions/${chat}/out`, undefined,
    { "timeout-seconds": "120" });
  for await (const { event, data } of events(answer)) {
    if (event !== "batch") continue;
    for (const { body, headers = [] } of JSON.parse(data).records) {
      const chunk = body ? JSON.parse(body).data : undefined;
      if (chunk?.type === "text-delta") seen.add(chunk.delta);
      if (headers.some(([key, value]) => key === "trigger-control" && value === "turn-complete")) {
        return seen.end();
      }
    }
  }
  throw new Error(`${chat} ended early`);
}

/** Reads the answer of a head-start route. */
export async function followRoute(url, chat, begun) {
  const seen = new Seen(begun);
  const answer = await http(url, { chatId: chat, trigger: "submit-message", headStartMessages: [
    { id: `u-${chat}`, role: "user", parts: [{ type: "text", text: "hi" }] }] });
  for await (const { data } of events(answer)) {
    const chunk = data && data !== "[DONE]" ? JSON.parse(data) : {};
    if (chunk.type === "text-delta") seen.add(chunk.delta);
    if (chunk.type === "trigger:turn-complete") return seen.end();
  }
  return seen.end();
}

/** Asks the model itself. */
export async function direct(url) {
  const seen = new Seen(performance.now());
  for await (const { data } of events(await http(url, { messages: [] }))) {
    if (data === "[DONE]") break;
    const { content } = JSON.parse(data).choices[0].delta;
    if (content) seen.add(content);
  }
  return seen.end();
}

/** The value below which a share of the values lies. */
export function percentile(values, share) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)];
}
