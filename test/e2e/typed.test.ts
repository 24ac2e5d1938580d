// What somebody types, copies and reads the time by, in their own browser. If this fails, a reload costs them their text, Copy says that it has
// copied and has not, or yesterday's talk stands under today.
// Promises: C5.

import { expect, test } from "bun:test";
import type { Page } from "playwright-core";
import { textOf } from "../llama/recitals.ts";
import { until } from "../llama/server.ts";
import { answered, ask, connected, withHouse } from "./stage.ts";

const house = withHouse("--auth", "header", "--trusted-proxy", "127.0.0.1");
const as = (name: string, options = {}) =>
  house.open(house.url, { extraHTTPHeaders: { "remote-user": name }, ...options });
const field = (page: Page) => page.getByRole("textbox", { name: "Message" });
const reload = async (page: Page) => {
  await page.reload();
  await connected(page);
};

test("a draft outlasts a reload and a look at another conversation, belongs to its own, and goes when it is sent", async () => {
  const { page } = await as("ada");
  await field(page).fill("begun on an empty page");
  await reload(page);
  expect(await field(page).inputValue()).toBe("begun on an empty page");
  await field(page).press("Enter");
  await field(page).pressSequentially("and more");
  await answered(page);
  await reload(page);
  expect(await field(page).inputValue()).toBe("and more");
  const one = page.url();
  await field(page).fill("half a\nquestion");
  await page.getByRole("link", { name: "New chat" }).first().click();
  await connected(page);
  expect(await field(page).inputValue()).toBe("");
  await ask(page, "another conversation");
  await answered(page);
  await page.goto(one);
  await connected(page);
  expect(await field(page).inputValue()).toBe("half a\nquestion");
  await field(page).press("Enter");
  await answered(page, "done", 1);
  await reload(page);
  expect(await field(page).inputValue()).toBe("");
});

test("what was sent from one tab does not come back from another", async () => {
  const { page } = await as("ada");
  await ask(page, "twenty please");
  await answered(page);
  await field(page).fill("sent from the first");
  await reload(page);
  const second = await page.context().newPage();
  await second.goto(page.url());
  await connected(second);
  expect(await field(second).inputValue()).toBe("sent from the first");
  await field(page).press("Enter");
  await answered(page, "done", 1);
  await second.close();
  await reload(page);
  expect(await field(page).inputValue()).toBe("");
});

test("an edit outlasts a reload, is open again, and goes when it is asked or cancelled", async () => {
  const { page } = await as("ada");
  await ask(page, "twenty please");
  await answered(page);
  const edit = page.locator(".edit textarea");
  const open = async () => {
    await page.locator("article").first().hover();
    await page.getByRole("button", { name: "Edit" }).click();
    await edit.waitFor();
  };
  await open();
  await edit.fill("twenty, but other ones");
  await reload(page);
  await until(
    async () => (await edit.count()) === 1 && (await edit.inputValue()) === "twenty, but other ones",
    "the edit is open again",
  );
  await page.getByRole("button", { name: "Cancel" }).click();
  expect(await edit.count()).toBe(0);
  await reload(page);
  await open();
  expect((await edit.inputValue()).trim()).toBe("twenty please");
  await edit.fill("twenty, asked anew");
  await page.getByRole("button", { name: "Save and submit" }).click();
  await page.getByText("2 / 2").waitFor();
  await answered(page);
  await reload(page);
  expect(await edit.count()).toBe(0);
});

test("on a shared computer nobody finds what another has typed", async () => {
  const { page } = await as("ada");
  await ask(page, "twenty please");
  await answered(page);
  await field(page).fill("a secret of Ada's");
  await reload(page);
  const stored = () => page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }]));
  expect(await stored()).toContain("a secret");
  await page.setExtraHTTPHeaders({ "remote-user": "ben" });
  await page.goto(house.url);
  await connected(page);
  expect(await field(page).inputValue()).toBe("");
  expect(await stored()).not.toContain("a secret");
});

test("over plain http the source is copied, too, or it is said that nothing was", async () => {
  const { page } = await house.open("", { extraHTTPHeaders: { "remote-user": "ada" } }, async (fresh) => {
    // as it is where the origin is not secure
    await fresh.addInitScript(() => Object.defineProperty(navigator, "clipboard", { value: undefined }));
    await fresh.goto(house.url);
  });
  await ask(page, "how is a lamp wired?");
  await answered(page);
  const pasted = async () => {
    await field(page).fill("");
    await page.keyboard.press("ControlOrMeta+v");
    return field(page).inputValue();
  };
  const answer = page.locator("article").last();
  await answer.hover();
  await answer.locator(".acts").getByRole("button", { name: "Copy" }).click();
  await answer.locator(".acts").getByText("Copied").waitFor();
  expect(await pasted()).toBe(textOf("markdown"));
  await page.locator(".code").getByRole("button", { name: "Copy" }).click();
  await page.locator(".code").getByText("Copied").waitFor();
  expect(await pasted()).toBe(/```python\n(.*?)```/s.exec(textOf("markdown"))?.[1] as string);
  await page.getByRole("button", { name: "Share" }).click();
  await page.getByRole("button", { name: "Create link" }).click();
  await page.locator(".links").getByRole("button", { name: "Copy" }).click();
  await page.locator(".links").getByText("Copied").waitFor();
  const link = await page.locator(".links input:read-only:not([type=hidden])").inputValue();
  await page.keyboard.press("Escape");
  expect(await pasted()).toBe(link);
  await page.evaluate(() => {
    document.execCommand = () => false;
  });
  await answer.hover();
  await answer.locator(".acts").getByRole("button", { name: "Copy" }).click();
  await answer.locator(".acts").getByText("Could not copy").waitFor();
});

test("times are those of the reader's own clock, at the first visit already", async () => {
  const { page } = await as("cleo", { timezoneId: "Pacific/Pago_Pago" });
  await ask(page, "what day is it?");
  await answered(page);
  await page.getByRole("button", { name: "Share" }).click();
  await page.getByRole("button", { name: "Create link" }).click();
  const link = await page.locator(".links input:read-only:not([type=hidden])").inputValue();
  const { page: guest } = await house.open(link, { timezoneId: "Pacific/Kiritimati" });
  const end = () =>
    guest.locator("header time").evaluate((time: HTMLTimeElement) => [time.dateTime, time.textContent]);
  const format = {
    year: "numeric",
    month: "short",
    day: "numeric",
    hour: "2-digit",
    minute: "2-digit",
    timeZone: "Pacific/Kiritimati",
  } as const;
  const [at, first] = await end();
  expect(first).toBe(new Intl.DateTimeFormat("en", format).format(new Date(at as string)));
  await guest.reload();
  expect(await end()).toEqual([at, first] as string[]);
  expect(await guest.locator("body").getAttribute("data-zone")).toBe("Pacific/Kiritimati");
});
