// Files attached to a question in a real browser: chosen, dropped and pasted, with and without scripts; shown, saved, refused with a sentence.

import { describe, expect, test } from "bun:test";
import type { Page } from "playwright-core";
import { presentation } from "../documents/fixtures.ts";
import { until } from "../llama/server.ts";
import { answered, ask, connected, newContext, shown, withHouse } from "./stage.ts";

const house = withHouse("--file-max-bytes", "100000", "--message-files-max", "3");
const { open } = house;

const file = (name: string, content: string | Buffer = `twenty, said in ${name}`) => ({
  name,
  mimeType: "application/octet-stream",
  buffer: Buffer.from(content as string),
});
const input = (page: Page) => page.getByLabel("Attach", { exact: true });
const attached = (page: Page) => page.locator("#attached > li");
const uploaded = async (page: Page, names: readonly string[]) => {
  await until(
    async () => (await page.locator("#attached [name=file]").count()) === names.length,
    "the files are uploaded",
  );
  expect(await page.locator("#attached .name").allTextContents()).toEqual([...names]);
};
const filesOf = (page: Page) => page.getByRole("log").getByRole("list", { name: "Files of this question" });
const notice = (page: Page) => page.getByRole("alert");

/** Gives the page files in an event of the browser, as a person who drops or pastes them. */
const give = (page: Page, type: "drop" | "paste", names: readonly string[], text = "") =>
  page.evaluate(
    ([kind, all, plain]) => {
      const data = new DataTransfer();
      for (const name of all) data.items.add(new File([`content of ${name}`], name));
      if (plain !== "") data.setData("text/plain", plain);
      const options = { bubbles: true, cancelable: true };
      const field = document.getElementById("text") as HTMLElement;
      if (kind === "paste")
        field.dispatchEvent(new ClipboardEvent("paste", { ...options, clipboardData: data }));
      else
        for (const each of ["dragover", "drop"])
          document.body.dispatchEvent(new DragEvent(each, { ...options, dataTransfer: data }));
    },
    [type, names, text] as const,
  );

describe("with scripts", () => {
  test("chosen files are uploaded, one is removed, the rest belongs to the question and can be saved", async () => {
    const { page } = await open(house.url);
    await input(page).setInputFiles([file("a.md"), file("b.csv", "x;y\n1;2\n"), file("c.txt")]);
    await uploaded(page, ["a.md", "b.csv", "c.txt"]);
    await page.getByRole("button", { name: "Remove c.txt" }).click();
    await uploaded(page, ["a.md", "b.csv"]);
    await ask(page, "twenty");
    expect(await answered(page)).toBe(shown("twenty"));
    expect(await attached(page).count()).toBe(0);
    expect(await filesOf(page).getByRole("link").allInnerTexts()).toEqual([
      "a.md\nMarkdown · 1 kB",
      "b.csv\nCSV · 1 kB",
    ]);
    await page.reload();
    await answered(page);
    const saved = page.waitForEvent("download");
    await filesOf(page).getByRole("link", { name: "b.csv" }).click();
    const download = await saved;
    expect(download.suggestedFilename()).toBe("b.csv");
    expect(await Bun.file(await download.path()).text()).toBe("x;y\n1;2\n");
  });

  test("files are dropped and pasted; pasted text stays text", async () => {
    const { page } = await open(house.url);
    await give(page, "drop", ["dropped.txt"]);
    await give(page, "paste", ["pasted.txt"]);
    await give(page, "paste", ["picture-of-the-text.txt"], "text");
    await uploaded(page, ["dropped.txt", "pasted.txt"]);
    expect(await page.locator("#say").getAttribute("data-dropping")).toBeNull();
  });

  test("files that are not sent outlast a reload and a look elsewhere; one that the server deleted goes", async () => {
    const { page } = await open(house.url);
    await input(page).setInputFiles([file("a.md"), file("b.txt")]);
    await uploaded(page, ["a.md", "b.txt"]);
    await page.reload();
    await uploaded(page, ["a.md", "b.txt"]);
    expect(await attached(page).first().textContent()).toContain("1 kB");
    await page.getByRole("button", { name: "Remove b.txt" }).click();
    await ask(page, "twenty");
    await answered(page);
    expect(await attached(page).count()).toBe(0);
    await input(page).setInputFiles([file("c.txt"), file("d.txt")]);
    await uploaded(page, ["c.txt", "d.txt"]);
    const address = page.url();
    await page.getByRole("link", { name: "New chat" }).first().click();
    await connected(page);
    expect(await attached(page).count()).toBe(0);
    const id = await page.evaluate(() => JSON.stringify(localStorage).match(/files\/[^"]*/)?.[0]);
    expect(id).toContain(address.split("/").at(-1) as string);
    await page.goto(address);
    await uploaded(page, ["c.txt", "d.txt"]);
    const second = await page.locator("#attached [name=file]").last().inputValue();
    await page.evaluate((file) => fetch(`/files/${file}`, { method: "DELETE" }), second);
    await page.reload();
    await uploaded(page, ["c.txt"]);
    await page.getByRole("button", { name: "Send" }).click();
    await answered(page, "done", 1);
    await page.reload();
    await answered(page, "done", 1);
    expect(await attached(page).count()).toBe(0);
  });

  test("a file needs no question; it names the conversation", async () => {
    const { page } = await open(house.url);
    await input(page).setInputFiles(file("twenty.txt"));
    await uploaded(page, ["twenty.txt"]);
    await page.getByRole("button", { name: "Send" }).click();
    await answered(page);
    await until(async () => (await page.title()) === "twenty.txt · parlor", "the tab has its name");
    expect(await page.locator("article[data-role=user] > .text").isVisible()).toBe(false);
  });

  test("what can't be attached is said, by name; the rest is attached", async () => {
    const { page, problems } = await open(house.url);
    await input(page).setInputFiles([
      file("large.txt", "x".repeat(100_001)),
      file("noise.bin", Buffer.from([0, 159, 146, 150, 0, 1, 2, 3])),
      file("empty.txt", ""),
      file("good.txt"),
    ]);
    await uploaded(page, ["good.txt"]);
    problems.length = 0; // the browser reports refused uploads
    expect(await notice(page).locator("p").allTextContents()).toEqual([
      expect.stringMatching(/^large\.txt: .*98 kB/),
      expect.stringMatching(/noise\.bin/),
      "empty.txt is empty.",
    ]);
    await input(page).setInputFiles([file("2.txt"), file("3.txt"), file("4.txt")]);
    await uploaded(page, ["good.txt", "2.txt", "3.txt"]);
    expect(await notice(page).textContent()).toBe("A question can have at most 3 files.");
  });

  test("a document is read when it is attached: the page says how long it is", async () => {
    const { page } = await open(house.url);
    const slides = Buffer.from(presentation("<a:p><a:r><a:t>twenty</a:t></a:r></a:p>", ""));
    await input(page).setInputFiles(file("talk.pptx", slides));
    await uploaded(page, ["talk.pptx"]);
    expect(await attached(page).locator(".facts").textContent()).toMatch(/^2 slides · \d kB$/);
    await ask(page, "twenty");
    await answered(page);
    expect(await filesOf(page).locator(".facts").textContent()).toMatch(/^PowerPoint · 2 slides · \d kB$/);
  });

  test("a question waits for its files, and a broken upload is said", async () => {
    const { page, problems } = await open(house.url);
    const held = Promise.withResolvers<void>();
    await page.route("**/files?*", async (route) => {
      await held.promise;
      await route.continue();
    });
    await input(page).setInputFiles(file("slow.txt"));
    await ask(page, "twenty");
    expect(await notice(page).textContent()).toMatch(/^The files are still being uploaded\./);
    expect(await page.locator("article").count()).toBe(0);
    held.resolve();
    await uploaded(page, ["slow.txt"]);
    await page.keyboard.press("Enter");
    await answered(page);
    await page.unroute("**/files?*");
    await page.route("**/files?*", (route) => route.abort());
    await input(page).setInputFiles(file("lost.txt"));
    await notice(page).getByText("lost.txt: The upload was interrupted.").waitFor();
    expect(await attached(page).count()).toBe(0);
    problems.length = 0; // the browser reports the aborted request
  });

  test("files of an edited question stay with it", async () => {
    const { page } = await open(house.url);
    await input(page).setInputFiles(file("kept.txt"));
    await uploaded(page, ["kept.txt"]);
    await ask(page, "twenty");
    await answered(page);
    await page.keyboard.press("Escape");
    await page.keyboard.press("e");
    await page.getByRole("textbox", { name: "Edit" }).fill("story");
    await page.getByRole("button", { name: "Save and submit" }).click();
    await until(async () => (await page.locator(".branches").textContent()) === "‹2 / 2›", "it is edited");
    expect(await answered(page)).toBe(shown("story"));
    expect(await filesOf(page).getByRole("link").count()).toBe(1);
  });

  test("the reader of a link sees the files and can save them; a stranger can't", async () => {
    const { page } = await open(house.url);
    await input(page).setInputFiles(file("shared.txt", "for everybody"));
    await uploaded(page, ["shared.txt"]);
    await ask(page, "twenty");
    await answered(page);
    await page.getByRole("button", { name: "Share" }).click();
    await page.getByRole("button", { name: "Create link" }).click();
    const link = await page.getByRole("textbox", { name: "Share" }).inputValue();
    const reader = await (await newContext()).newPage();
    await reader.goto(link);
    const saved = reader.waitForEvent("download");
    await filesOf(reader).getByRole("link", { name: "shared.txt" }).click();
    expect(await Bun.file(await (await saved).path()).text()).toBe("for everybody");
    const unknown = await fetch(`${link}?file=${"x".repeat(22)}`);
    expect(unknown.status).toBe(404);
    await reader.context().close();
  });

  test("in German", async () => {
    const { page } = await open(house.url, { locale: "de-DE" });
    await page.getByLabel("Anhängen", { exact: true }).setInputFiles(file("notiz.txt"));
    await uploaded(page, ["notiz.txt"]); // until then the button moves
    await page.getByRole("button", { name: "notiz.txt entfernen" }).click();
    expect(await attached(page).count()).toBe(0);
  });
});

describe("without scripts", () => {
  async function plain(): Promise<Page> {
    const page = await (await newContext({ javaScriptEnabled: false })).newPage();
    await page.goto(house.url);
    return page;
  }
  const send = async (page: Page, text: string) => {
    await page.getByRole("textbox", { name: "Message" }).fill(text);
    await page.getByRole("button", { name: "Send" }).click();
  };

  test("the form brings the files with the question", async () => {
    const page = await plain();
    expect(await input(page).isVisible()).toBe(true);
    await input(page).setInputFiles([file("one.txt"), file("two.md")]);
    await send(page, "twenty");
    await until(
      async () => (await page.locator("article[data-role=assistant]").getAttribute("data-status")) === "done",
      "it is answered",
    );
    expect(await filesOf(page).locator(".name").allTextContents()).toEqual(["one.txt", "two.md"]);
    await page.context().close();
  });

  test("after a refusal the question and its good files are still there, and can be sent", async () => {
    const page = await plain();
    await input(page).setInputFiles([file("good.txt"), file("empty.txt", "")]);
    await send(page, "twenty");
    expect(await notice(page).textContent()).toBe("empty.txt is empty.");
    expect(await page.getByRole("textbox", { name: "Message" }).inputValue()).toBe("twenty");
    expect(await page.getByRole("checkbox", { name: "good.txt" }).isChecked()).toBe(true);
    await page.getByRole("button", { name: "Send" }).click();
    await until(
      async () => (await page.locator("article[data-role=assistant]").getAttribute("data-status")) === "done",
      "it is answered",
    );
    expect(await filesOf(page).locator(".name").allTextContents()).toEqual(["good.txt"]);
    await page.context().close();
  });
});
