// The console: the key, the session list, and the chat that is open.
import { Api, ApiError } from "./api.js";
import { Chat, newId } from "./chat.js";
import { byId, copy, el, setText } from "./dom.js";
import { Records } from "./records.js";

const KEY = "tidegate.key";
const OPEN = "tidegate.open";
const THEME = "tidegate.theme";
const REFRESH_MS = 10_000;

let api = null;
let chat = null;
let sessions = [];
let next = null;
const records = new Records();

start();

function start() {
  const theme = localStorage.getItem(THEME);
  if (theme) document.documentElement.dataset.theme = theme;
  // `tidegate dev` prints a link with the key in its fragment, which no server ever sees.
  const given = new URLSearchParams(location.hash.slice(1));
  if (given.get("key")) {
    sessionStorage.setItem(KEY, given.get("key"));
    history.replaceState(null, "", location.pathname);
  }
  bind();
  const key = sessionStorage.getItem(KEY);
  if (key) enter(key);
  else showDoor();
}

function bind() {
  byId("key-form").addEventListener(
    "submit",
    (event) => (event.preventDefault(), enter(byId("key").value.trim())),
  );
  byId("forget").addEventListener("click", leave);
  byId("theme").addEventListener("click", switchTheme);
  byId("toggle-records").addEventListener("click", () => toggle("no-records", "records"));
  byId("toggle-sessions").addEventListener("click", () => toggle("show-sessions", "sessions"));
  byId("new-form").addEventListener(
    "submit",
    (event) => (event.preventDefault(), attempt(newChat)),
  );
  byId("search").addEventListener("input", listSessions);
  byId("search").addEventListener("change", () => attempt(findExact));
  byId("more").addEventListener("click", () => attempt(() => loadSessions(next)));
  byId("composer").addEventListener("submit", (event) => (event.preventDefault(), attempt(send)));
  byId("text").addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    attempt(send);
  });
  byId("text").addEventListener("input", grow);
  byId("stop").addEventListener("click", () => attempt(() => chat.stop()));
  byId("regenerate").addEventListener("click", () => attempt(() => chat.regenerate()));
  byId("action").addEventListener("click", () => byId("action-dialog").showModal());
  byId("action-dialog").addEventListener("submit", sendAction);
  byId("copy-curl").addEventListener("click", (event) => copy(chat.curl(), event.target));
  byId("close-session").addEventListener("click", () => attempt(closeSession));
  byId("clear-records").addEventListener("click", () => records.clear());
  setInterval(() => api && !document.hidden && loadSessions().catch(() => {}), REFRESH_MS);
}

async function enter(key) {
  api = new Api(key);
  sessions = [];
  try {
    const agents = await api.agents();
    byId("agent").replaceChildren(...agents.map(({ id }) => el("option", { value: id }, id)));
    if (!agents.length) byId("agent").append(el("option", { value: "" }, "no agent is configured"));
    sessionStorage.setItem(KEY, key);
  } catch (error) {
    sessionStorage.removeItem(KEY);
    return showDoor(
      error.status === 401 || error.status === 403
        ? "This key is not one of this gateway's."
        : error.message,
    );
  }
  byId("door").hidden = true;
  byId("rooms").hidden = false;
  for (const id of ["forget", "toggle-records", "toggle-sessions"]) byId(id).hidden = false;
  setText(byId("where"), location.host);
  await attempt(() => loadSessions());
  const open = localStorage.getItem(OPEN);
  if (open) await attempt(() => openSession(open));
}

function showDoor(problem = "") {
  api = null;
  byId("rooms").hidden = true;
  for (const id of ["forget", "toggle-records", "toggle-sessions"]) byId(id).hidden = true;
  setText(byId("link"), "");
  byId("door").hidden = false;
  setText(byId("key-problem"), problem);
  byId("key").focus();
}

function leave() {
  chat?.leave();
  sessionStorage.removeItem(KEY);
  byId("key").value = "";
  showDoor();
}

async function loadSessions(after) {
  const page = await api.list(after);
  const fresh = new Map(page.data.map((session) => [session.id, session]));
  const others = sessions.filter((session) => !fresh.has(session.id));
  // A look at the newest page keeps the older ones that were loaded before.
  sessions = after ? [...others, ...page.data] : [...page.data, ...others];
  if (after || !others.length) next = page.pagination?.next ?? null;
  byId("more").hidden = !next;
  listSessions();
}

/** A session that is not on the loaded pages is found by its exact id. */
async function findExact() {
  const wanted = byId("search").value.trim();
  if (!wanted || sessions.some((session) => nameOf(session) === wanted)) return;
  const page = await api.list(undefined, wanted);
  sessions = [...page.data, ...sessions];
  listSessions();
}

function listSessions() {
  const wanted = byId("search").value.trim().toLowerCase();
  const fits = (session) =>
    [session.externalId, session.id, session.taskIdentifier, ...(session.tags ?? [])].some((text) =>
      text?.toLowerCase().includes(wanted),
    );
  const items = sessions.filter(fits).map((session) => {
    const name = nameOf(session);
    const current = chat?.name === name;
    const state = session.closedAt ? "closed" : "";
    return el(
      "li",
      {},
      el(
        "button",
        {
          class: "session",
          "aria-current": current ? "true" : undefined,
          onclick: () => attempt(() => openSession(name)),
        },
        el("span", { class: "name" }, name),
        el(
          "span",
          { class: "about" },
          `${session.taskIdentifier} · ${age(session.createdAt)} ${state}`,
        ),
      ),
    );
  });
  if (!items.length)
    items.push(el("li", { class: "quiet none" }, wanted ? "Nothing found." : "No sessions yet."));
  byId("session-list").replaceChildren(...items);
}

async function newChat() {
  const agent = byId("agent").value;
  if (!agent) throw new Error("Configure an agent first.");
  open(await api.createSession(agent, newId("chat").slice(0, 15)));
  await loadSessions();
  byId("text").focus();
}

async function openSession(name) {
  try {
    open(await api.retrieve(name));
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) localStorage.removeItem(OPEN);
    throw error;
  }
  listSessions();
}

function open(session) {
  chat?.leave();
  records.clear();
  problem("");
  byId("messages")
    .querySelectorAll(".message")
    .forEach((node) => node.remove());
  const opened = new Chat(api, session, {
    records: (direction, batch) => chat === opened && records.add(direction, batch),
    link: (text) => chat === opened && setText(byId("link"), text),
    change: () => chat === opened && refresh(),
    problem: (error) => chat === opened && problem(error),
  });
  chat = opened;
  localStorage.setItem(OPEN, chat.name);
  document.body.classList.remove("show-sessions");
  refresh();
  opened.open().catch((error) => chat === opened && problem(error));
}

/** Sets what the chat's state shows outside its messages. */
function refresh() {
  const { log, session } = chat;
  const closed = log.closed ?? (session.closedAt ? (session.closedReason ?? "") : null);
  const ended = closed === null ? "" : closed ? `closed: ${closed}` : "closed";
  const queued = log.pending.length;
  setText(byId("chat-name"), chat.name);
  setText(
    byId("chat-about"),
    [session.taskIdentifier, session.id, ...(ended ? [ended] : [])].join(" · "),
  );
  byId("chat-head").hidden = false;
  byId("empty").hidden = log.messages.length > 0 || queued > 0;
  byId("composer").hidden = closed !== null;
  byId("close-session").hidden = closed !== null;
  byId("stop").hidden = !log.busy;
  byId("regenerate").disabled =
    log.busy || !log.messages.some((message) => message.role === "assistant");
  setText(byId("hint"), queued ? `${queued} waiting` : log.turn ? "answering…" : "");
  byId("messages").setAttribute("aria-busy", String(log.turn !== null));
}

async function send() {
  const field = byId("text");
  const text = field.value.trim();
  if (!text || !chat) return;
  field.value = "";
  grow();
  try {
    await chat.send(text);
  } catch (error) {
    if (!field.value) field.value = text;
    throw error;
  }
}

function sendAction(event) {
  if (event.submitter?.value !== "send") return;
  try {
    const action = JSON.parse(byId("action-body").value);
    setText(byId("action-problem"), "");
    attempt(() => chat.action(action));
  } catch (error) {
    event.preventDefault();
    setText(byId("action-problem"), `Not valid JSON: ${error.message}`);
  }
}

async function closeSession() {
  chat.session = { ...chat.session, ...(await api.close(chat.name)) };
  refresh();
  await loadSessions();
}

async function attempt(work) {
  problem("");
  try {
    await work();
  } catch (error) {
    problem(error);
  }
}

function problem(error) {
  // What fetch throws when there is no answer at all.
  const unreachable = error instanceof TypeError && "The gateway can't be reached. Try again.";
  setText(byId("problem"), typeof error === "string" ? error : unreachable || error.message);
}

function grow() {
  const field = byId("text");
  field.style.height = "auto";
  field.style.height = `${Math.min(field.scrollHeight, 200)}px`;
}

/** Shows or hides a pane; what the class means depends on the width of the page. */
function toggle(name, pane) {
  document.body.classList.toggle(name);
  const shown = getComputedStyle(byId(pane)).display !== "none";
  byId(`toggle-${pane}`).setAttribute("aria-expanded", String(shown));
}

function switchTheme() {
  const root = document.documentElement;
  const dark = root.dataset.theme
    ? root.dataset.theme === "dark"
    : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
  localStorage.setItem(THEME, root.dataset.theme);
}

function nameOf(session) {
  return session.externalId ?? session.id;
}

function age(at) {
  const minutes = Math.floor((Date.now() - new Date(at).getTime()) / 60_000);
  if (!(minutes >= 1)) return "now";
  if (minutes < 60) return `${minutes} min`;
  return minutes < 48 * 60 ? `${Math.floor(minutes / 60)} h` : `${Math.floor(minutes / 1440)} d`;
}
