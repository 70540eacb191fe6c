// useTidegateChat in a real browser: turns of other tabs, steering, reload, stop.

import assert from "node:assert/strict";
import { test } from "node:test";
import { client, gateway, newSession, words } from "../lib.mjs";
import { stage } from "./stage.mjs";

const gw = await gateway();
const { open, errors } = await stage();

test("two tabs show the same chat, whoever asks", async () => {
  const { one, two } = await twoTabs();
  await say(one, "/words 5");
  await shows(one, ["/words 5", words(5)]);
  await shows(two, ["/words 5", words(5)]);
  await say(two, "/words 6");
  await shows(one, ["/words 5", words(5), "/words 6", words(6)]);
  await shows(two, ["/words 5", words(5), "/words 6", words(6)]);
  await say(one, "/words 7");
  await shows(two, ["/words 5", words(5), "/words 6", words(6), "/words 7", words(7)]);
});

test("an answer is joined after a reload, and is there once", async () => {
  const { one } = await twoTabs();
  await say(one, "/words 3");
  await shows(one, ["/words 3", words(3)]);
  await say(one, "/words 150");
  await one.waitForFunction(() => document.body.innerText.includes("word-20 "));
  await one.reload();
  await shows(one, ["/words 3", words(3), "/words 150", words(150)]);
});

test("a message during a turn waits, and is answered next", async () => {
  const { one, two } = await twoTabs();
  await say(one, "/words 400");
  await one.waitForFunction(() => document.body.innerText.includes("word-5 "));
  await say(one, "/words 4");
  await one.locator("i").waitFor();
  await shows(one, ["/words 400", words(400), "/words 4", words(4)]);
  await shows(two, ["/words 400", words(400), "/words 4", words(4)]);
  assert.equal(await one.locator("i").count(), 0);
});

test("a tab stops the turn of another device", async () => {
  const { one, name } = await twoTabs();
  await client(gw).session(name).send("/words 100000");
  await one.waitForFunction(() => document.body.innerText.includes("word-5 "));
  await one.getByRole("button").click();
  await one.locator('main[data-status="ready"]').waitFor();
  await say(one, "/words 2");
  await one.waitForFunction((text) =>
    [...document.querySelectorAll("p")].at(-1).textContent === text, words(2));
});

test("no page had an error", () => assert.deepEqual(errors, []));

async function twoTabs() {
  const { name } = await newSession(gw);
  const query = `?${new URLSearchParams({ url: gw.url, token: gw.key, id: name })}`;
  const one = await open("chat.jsx", query);
  const two = await open("chat.jsx", query);
  for (const page of [one, two]) {
    await page.locator('main[data-transport="websocket"][data-status="ready"]').waitFor();
  }
  return { one, two, name };
}

async function say(page, text) {
  await page.locator("input").fill(text);
  await page.locator("input").press("Enter");
}

async function shows(page, wanted) {
  await page.waitForFunction((wanted) => {
    const shown = [...document.querySelectorAll("p")].map((node) => node.textContent);
    globalThis.shown = shown;
    return document.querySelector("main").dataset.status === "ready"
      && JSON.stringify(shown) === JSON.stringify(wanted);
  }, wanted, { timeout: 15_000 }).catch(async (error) => {
    throw new Error(`shows ${JSON.stringify(await page.evaluate(() => shown))}`, { cause: error });
  });
}
