// What a person does with a chat page, and what they see.

import { randomUUID } from "node:crypto";

export { runSeed, seeded } from "../../compat/lib/seed.mjs";

/** A chat id that no other test uses. */
export const newChat = (name) => `${name}-${randomUUID().slice(0, 8)}`;

/** What the demo agent says to `/words n`. */
export const words = (n) => Array.from({ length: n }, (_, i) => `word-${i + 1}`).join(" ");

/** What the demo agent says to plain text. */
export const echo = (text) =>
  `You said: “${text}”. Thank you for telling me, the tide is listening.`;

/** Types and sends. */
export async function say(page, text) {
  await page.getByPlaceholder("Type a message…").fill(text);
  await page.getByRole("button", { name: "Send" }).click();
}

/**
 * Presses Stop, and waits until the gateway has the stop, as a person's next key press would. Over a
 * socket there is no answer to wait for: what the page sends next comes after it.
 */
export const stop = (page) => Promise.all([
  page.url().includes("/socket/") ||
    page.waitForResponse((answer) => /\/(append|stop)$/.test(answer.url())),
  page.getByRole("button", { name: "Stop" }).click(),
]);

/** Text of every answer on the page. */
export const answers = (page) => page.locator('[data-role="assistant"]').evaluateAll((nodes) =>
  nodes.map((node) => [...node.querySelectorAll('[data-part="text"]')]
    .map((part) => part.textContent).join("")));

/** Text of every message of the user. */
export const questions = (page) => page.locator('[data-role="user"]').evaluateAll((nodes) =>
  nodes.map((node) => [...node.querySelectorAll('[data-part="text"]')]
    .map((part) => part.textContent).join("")));

/** Waits until the newest answer has at least `count` words. */
export const wordsShown = (page, count) => page.waitForFunction((count) => {
  const nodes = document.querySelectorAll('[data-role="assistant"]');
  const text = nodes[nodes.length - 1]?.textContent ?? "";
  return text.includes(`word-${count} `);
}, count, { polling: 20 });

/** Waits until nothing runs. */
export const idle = (page, timeout) =>
  page.locator('main[data-status="ready"]').waitFor({ timeout });
