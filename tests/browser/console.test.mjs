// The console page: chat, stop, approve, reload in the middle, a second tab.

import assert from "node:assert/strict";
import { test } from "node:test";
import { boundaries } from "../compat/lib/wire.mjs";
import { echo, words } from "./lib/page.mjs";
import { stage } from "./lib/stage.mjs";

const { gw, open, noErrors } = await stage();
const URL_WITH_KEY = `${gw.url}/console#key=${gw.key}`;

/** The console with a new chat of the steady demo agent. */
async function newConsole() {
  const page = await open(URL_WITH_KEY);
  await page.locator("#agent").selectOption("steady");
  const before = await page.locator("#chat-name").textContent();
  await page.getByRole("button", { name: "New chat" }).click();
  await page.waitForFunction((before) => {
    const name = document.querySelector("#chat-name").textContent;
    return name && name !== before;
  }, before);
  return { page, name: await page.locator("#chat-name").textContent() };
}

async function say(page, text) {
  await page.locator("#text").fill(text);
  await page.locator("#send").click();
}

const texts = (page) => page.locator("article.assistant").evaluateAll((nodes) =>
  nodes.map((node) => [...node.querySelectorAll(".text")].map((t) => t.textContent).join("")));
const shown = (page, word) => page.waitForFunction((word) => {
  const nodes = [...document.querySelectorAll("article.assistant")];
  return nodes.at(-1)?.textContent.includes(`word-${word} `);
}, word, { polling: 20 });
const quiet = (page) => page.waitForFunction(() =>
  document.querySelector("#messages").getAttribute("aria-busy") === "false"
    && document.querySelector("#stop").hidden, undefined, { polling: 20 });

test("a wrong key is refused, the right one opens", { timeout: 300_000 }, async () => {
  const page = await open(`${gw.url}/console`);
  await page.locator("#key").fill("tr_dev_sk_wrongwrongwrongwrongwron");
  await page.getByRole("button", { name: "Open" }).click();
  await page.getByText("This key is not one of this gateway's.").waitFor();
  await page.locator("#key").fill(gw.key);
  await page.getByRole("button", { name: "Open" }).click();
  await page.getByRole("button", { name: "New chat" }).waitFor();
  assert.ok(!page.url().includes(gw.key));
  noErrors();
  await page.close();
});

test("chat, and the records as they arrive", { timeout: 300_000 }, async () => {
  const { page } = await newConsole();
  await say(page, "hi");
  await page.getByText(echo("hi")).waitFor();
  await quiet(page);
  await page.locator("#record-list", { hasText: "turn-complete" }).waitFor();
  await page.locator("#regenerate").click();
  await page.getByText("Once more").waitFor();
  await quiet(page);
  assert.equal((await texts(page)).length, 1);
  noErrors();
  await page.close();
});

test("reload in the middle of an answer, and a second tab", { timeout: 300_000 }, async () => {
  const { page } = await newConsole();
  await say(page, "/words 200 25");
  await shown(page, 3);
  await page.reload();
  await shown(page, 20);
  const second = await open(URL_WITH_KEY);
  await shown(second, 30);
  await page.reload();
  await Promise.all([shown(page, 199), shown(second, 199)]);
  await Promise.all([quiet(page), quiet(second)]);
  assert.deepEqual(await texts(page), [words(200)]);
  assert.deepEqual(await texts(second), [words(200)]);
  noErrors();
  await Promise.all([page.close(), second.close()]);
});

test("stop from a second tab", { timeout: 300_000 }, async () => {
  const { page, name } = await newConsole();
  await say(page, "/words 3000 20");
  await shown(page, 3);
  const second = await open(URL_WITH_KEY);
  await shown(second, 5);
  await second.locator("#stop").click();
  await Promise.all([quiet(page), quiet(second)]);
  assert.equal((await boundaries(gw, name)).length, 1);
  await say(page, "next");
  await page.getByText(echo("next")).waitFor();
  await second.getByText(echo("next")).waitFor();
  noErrors();
  await Promise.all([page.close(), second.close()]);
});

test("approve, after a reload", { timeout: 300_000 }, async () => {
  const { page } = await newConsole();
  await say(page, "/approve boat");
  await page.getByRole("button", { name: "Approve" }).waitFor();
  await page.reload();
  await page.getByRole("button", { name: "Approve" }).click();
  await page.getByText("Approved, so boat is on its way.").waitFor();
  await quiet(page);
  assert.equal((await texts(page)).length, 1);
  noErrors();
  await page.close();
});
