// The server's actions, called with fetch.

const { gateway, agent } = window.SETTINGS;

/** Where the gateway is, and which agent answers. */
export const GATEWAY = gateway;
export const AGENT = agent;

const path = (chatId, action = "") => `/api/chat/${encodeURIComponent(chatId)}${action}`;

async function json(url, init) {
  const answer = await fetch(url, init);
  if (!answer.ok) throw new Error(await answer.text());
  return answer.json();
}

const post = (url, body = {}) => json(url, { method: "POST", body: JSON.stringify(body) });

/** The chat as it is stored: messages, cursors, a session token if it exists. */
export const loadChat = ({ chatId }) => json(path(chatId));

/** Creates the session. */
export const startChatSession = ({ chatId, clientData }) =>
  post(path(chatId, "/start"), { clientData });

/** A session token. */
export const mintChatAccessToken = async (chatId) => (await post(path(chatId, "/token"))).token;

/** A session token for a chat that the gateway creates with its first message. */
export const openChat = async (chatId) => (await post(path(chatId, "/open"))).token;
