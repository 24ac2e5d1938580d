// Answers as they look in a real browser: nothing that a model says does harm, code is copied and wrapped, thoughts fold.
// Promises: X3.

import { expect, test } from "bun:test";
import { textOf } from "../llama/recitals.ts";
import { until } from "../llama/server.ts";
import { answered, ask, shown, withHouse } from "./stage.ts";

const house = withHouse();
const { open } = house;

test("a model that tries everything it can: no script, no request, no element of its own, in no frame on the way", async () => {
  const { page } = await open(house.url);
  const asked: string[] = [];
  page.on("request", (request) => asked.push(request.url()));
  page.on("dialog", (dialog) => {
    asked.push(`a dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  await page.evaluate(() => {
    const allowed =
      /^(P|EM|STRONG|DEL|CODE|UL|OL|LI|H[3-6]|BLOCKQUOTE|BR|HR|TABLE|THEAD|TBODY|TR|TH|TD|DIV|SPAN|PRE|LABEL|BUTTON|INPUT|A|math|m[a-z]+)$/;
    const found: string[] = [];
    (window as unknown as { found: string[] }).found = found;
    new MutationObserver(() => {
      for (const element of document.querySelectorAll("article[data-role=assistant] > .text *")) {
        if (!allowed.test(element.tagName)) found.push(element.tagName);
        for (const { name, value } of element.attributes)
          if (
            /^(on|style|src|xlink|data-hx|formaction|name$)/.test(name) ||
            /^\s*(javascript|data|vbscript):/i.test(value)
          )
            found.push(`${name}=${value}`);
        if (element.id !== "" && element.id !== "t" && element.id !== "c") found.push(`id=${element.id}`);
      }
    }).observe(document.body, { childList: true, subtree: true });
  });
  await ask(page, "harm me");
  expect(await answered(page)).toBe(shown("dangers"));
  expect(await page.evaluate(() => (window as unknown as { found: string[] }).found)).toEqual([]);
  await page.reload();
  expect(await answered(page)).toBe(shown("dangers"));
  const own = asked.filter((url) => url.startsWith(house.url));
  expect(asked.filter((url) => !own.includes(url))).toEqual([]);
  expect(await page.getByRole("log").isVisible()).toBe(true);
});

test("everything that Markdown has is there, and nothing widens the page", async () => {
  for (const viewport of [
    { width: 1100, height: 800 },
    { width: 320, height: 640 },
  ]) {
    const { page } = await open(house.url, { viewport });
    await ask(page, "how is a lamp wired?");
    await answered(page);
    const text = page.locator("article[data-role=assistant] > .text");
    expect(await text.getByRole("heading", { name: "How a lamp is wired" }).count()).toBe(1);
    expect(await text.getByRole("row").count()).toBe(3);
    expect(await text.locator("math").count()).toBe(2);
    expect(await text.getByRole("checkbox", { checked: true }).count()).toBe(1);
    const link = text.getByRole("link", { name: "bulb" });
    expect(await link.getAttribute("rel")).toBe("noopener noreferrer nofollow");
    expect(await link.getAttribute("target")).toBe("_blank");
    expect(await text.getByRole("link", { name: "The finished lamp (example.org)" }).count()).toBe(1);
    expect(await text.locator("img").count()).toBe(0);
    expect(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth)).toBe(true);
    expect(
      await page.evaluate(
        () =>
          (document.getElementById("scroller") as Element).scrollWidth <=
          (document.getElementById("scroller") as Element).clientWidth,
      ),
    ).toBe(true);
  }
});

test("code is copied as it stands, wrapped on request, and named", async () => {
  const { page } = await open(house.url, { permissions: ["clipboard-read", "clipboard-write"] });
  await ask(page, "how is a lamp wired?");
  await answered(page);
  const code = page.locator(".code");
  expect(await code.locator(".bar span").first().textContent()).toBe("python");
  await code.getByRole("button", { name: "Copy" }).click();
  await code.getByText("Copied").waitFor();
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(
    /```python\n(.*?)```/s.exec(textOf("markdown"))?.[1] as string,
  );
  const wrapping = () =>
    code
      .locator("pre")
      .evaluate((pre) => getComputedStyle(pre).whiteSpaceCollapse + getComputedStyle(pre).textWrapMode);
  const before = await wrapping();
  await code.getByRole("checkbox", { name: "Wrap lines" }).check();
  expect(await wrapping()).not.toBe(before);
});

test("thoughts fold when the answer begins, and stay open for who wants them open", async () => {
  const { page } = await open(house.url);
  const thought = (nth: number) => page.locator(".reasoning").nth(nth);
  await ask(page, "think first");
  await answered(page);
  expect(await thought(0).getAttribute("open")).toBeNull();
  await thought(0).locator("summary").click();
  await ask(page, "think again");
  await answered(page, "done", 1);
  await until(async () => (await thought(1).getAttribute("open")) !== null, "the thoughts are kept open");
  await thought(1).locator("summary").click();
  await page.reload();
  expect(await thought(1).getAttribute("open")).toBeNull();
});

test("an answer with all that is easily drawn wrong: bold ends where it should, numbers and bullets have room on their side, a fold opens, a box is drawn", async () => {
  const answer =
    "**https://e.org/a**\n\n999999998. a\n\n- مرحبا\n- b\n\n<details>\n<summary>More</summary>\n\nHidden\n\n</details>\n\n$\\boxed{17}$";
  const messages = [
    { id: "a", role: "user", content: "Draw it all", parent: null },
    { id: "b", role: "assistant", content: answer, parent: "a" },
  ];
  const { page } = await open(house.url);
  const theirs = JSON.stringify({
    conv: { id: crypto.randomUUID(), name: "Easily drawn wrong", currNode: "b" },
    messages,
  });
  await page.setInputFiles('input[type="file"]', {
    name: "all.jsonl",
    mimeType: "application/jsonl",
    buffer: Buffer.from(theirs),
  });
  await page.getByRole("link", { name: "Easily drawn wrong" }).click();
  const text = page.locator("article[data-role=assistant] > .text");
  await text.locator("strong").waitFor();
  expect(
    await page.evaluate(() =>
      [...document.querySelectorAll("strong")].every((strong) => strong.textContent === "https://e.org/a"),
    ),
  ).toBe(true);
  expect(await page.getByRole("textbox").first().isVisible()).toBe(true);
  const room = await text.locator("ol").evaluate((ol) => {
    const number = document.createElement("span");
    number.textContent = "999999998. ";
    number.style.setProperty("white-space", "pre");
    ol.append(number);
    const { width } = number.getBoundingClientRect();
    number.remove();
    return Number.parseFloat(getComputedStyle(ol).paddingInlineStart) - width;
  });
  expect(room).toBeGreaterThanOrEqual(0);
  expect(await text.locator("ul").evaluate((ul) => getComputedStyle(ul).direction)).toBe("rtl");
  expect(await text.getByText("Hidden").isVisible()).toBe(false);
  await text.getByText("More").click();
  expect(await text.getByText("Hidden").isVisible()).toBe(true);
  expect(await text.locator("math .boxed").evaluate((box) => getComputedStyle(box).borderTopWidth)).toBe(
    "1px",
  );
});
