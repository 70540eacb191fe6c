// The pane that shows records as they arrive.
import { byId, el } from "./dom.js";
import { chunkOf, header } from "./log.js";

const KEPT = 500;

export class Records {
  constructor() {
    this.list = byId("record-list");
    this.waiting = [];
    this.clear();
  }

  clear() {
    this.seen = 0;
    this.waiting.length = 0;
    this.list.replaceChildren();
    this.#count();
  }

  /** Shows records of `in` or `out`; drawn once a frame, the newest KEPT stay. */
  add(direction, records) {
    if (this.waiting.length === 0 && records.length) requestAnimationFrame(() => this.#draw());
    for (const record of records) this.waiting.push([direction, record]);
    this.seen += records.length;
  }

  #draw() {
    const { list } = this;
    const follows = list.scrollHeight - list.scrollTop - list.clientHeight < 60;
    const rows = this.waiting.splice(0).slice(-KEPT);
    list.append(...rows.map(([direction, record]) => row(direction, record)));
    for (let over = list.childElementCount - KEPT; over > 0; over--)
      list.firstElementChild.remove();
    if (follows) list.scrollTop = list.scrollHeight;
    this.#count();
  }

  #count() {
    const cut = this.seen > KEPT ? `, newest ${KEPT} shown` : "";
    byId("record-count").textContent = this.seen ? `${this.seen}${cut}` : "";
  }
}

function row(direction, record) {
  const control = header(record, "trigger-control");
  const kind = control ?? chunkOf(record)?.type ?? inputKind(record) ?? "record";
  const state = control ? "control" : direction;
  const head = el(
    "summary",
    {},
    el("span", { class: "seq" }, String(record.seq_num)),
    el("time", {}, time(record.timestamp)),
    el("span", { class: `kind ${state}` }, kind),
    el("span", { class: "brief" }, brief(record, control)),
  );
  return el("li", {}, el("details", { class: direction }, head, el("pre", {}, whole(record))));
}

function inputKind(record) {
  try {
    const body = JSON.parse(record.body);
    return body.payload?.trigger ?? body.kind;
  } catch {
    return undefined;
  }
}

function brief(record, control) {
  if (control) {
    const input = header(record, "session-in-event-id");
    return input === undefined ? "" : `in ${input}`;
  }
  const chunk = chunkOf(record);
  if (!chunk) return (record.body ?? "").slice(0, 160);
  const { type, ...rest } = chunk;
  const text = chunk.delta ?? chunk.inputTextDelta ?? chunk.errorText ?? JSON.stringify(rest);
  return text === "{}" ? "" : text.slice(0, 160);
}

function whole(record) {
  let body = record.body;
  try {
    body = JSON.stringify(JSON.parse(record.body), null, 2);
  } catch {}
  const shown = (record.headers ?? []).map(
    ([key, value]) => `${key}: ${key === "public-access-token" ? "…" : value}`,
  );
  return [...shown, body].filter(Boolean).join("\n");
}

function time(ms) {
  if (!ms) return "";
  const date = new Date(ms);
  return `${date.toTimeString().slice(0, 8)}.${String(date.getMilliseconds()).padStart(3, "0")}`;
}
