// The main job in a real browser, against the compiled executable and the real llama-server.
// Promises: S2, C1, C2, C5.

import { describe, expect, test } from "bun:test";
import { until } from "../llama/server.ts";
import { answered, ask, connected, grownBeyond, shown, withHouse } from "./stage.ts";
import { startWire } from "./wire.ts";

const house = withHouse();
const { open } = house;

test("ask: the first message makes the conversation, the answer is there byte for byte, the field is empty and has the focus", async () => {
  const { page } = await open(house.url);
  await ask(page, "html please");
  expect(await answered(page)).toBe(shown("html"));
  expect(new URL(page.url()).pathname).toMatch(/^\/c\/[\w-]{22}$/);
  expect(await page.inputValue("#text")).toBe("");
  expect(await page.evaluate(() => document.activeElement?.id)).toBe("text");
  expect(await page.locator('[role="log"] article').count()).toBe(2);
  expect(await page.locator(".stats").textContent()).toMatch(
    /\d+ tokens · .* tokens\/s.*parrot\.gguf.*\d+ prompt tokens.*first token after/,
  );
});

for (const name of ["emoji", "json", "spaces", "separators", "long", "think"] as const) {
  test(`recital "${name}" stands in the DOM byte for byte, and after a reload too`, async () => {
    const { page } = await open(house.url);
    await ask(page, name);
    expect(await answered(page)).toBe(shown(name));
    await page.reload();
    expect(await answered(page)).toBe(shown(name));
  });
}

describe("Stop", () => {
  test("stands where Send stood, in mid-answer; what was generated stays", async () => {
    const { page } = await open(house.url);
    const send = await page.getByRole("button", { name: "Send" }).boundingBox();
    await ask(page, "endless");
    await grownBeyond(page, 200);
    const stop = page.getByRole("button", { name: "Stop" });
    const box = await stop.boundingBox();
    expect([box?.x, box?.y]).toEqual([send?.x, send?.y]);
    await stop.click();
    const text = await answered(page, "stopped");
    expect(text.length).toBeGreaterThan(200);
    expect(shown("endless").startsWith(text.slice(0, 300))).toBe(true);
    await page.getByRole("button", { name: "Send" }).waitFor();
    await page.getByRole("button", { name: "Try again" }).waitFor();
  });

  test("while waiting in line, which the page shows", async () => {
    const busy = await Promise.all([open(house.url), open(house.url)]);
    for (const { page } of busy) {
      await ask(page, "endless");
      await grownBeyond(page, 10);
    }
    const { page } = await open(house.url);
    await ask(page, "twenty");
    await page.getByText("1st of 1 in the queue").waitFor();
    expect(await page.locator("article").last().getAttribute("data-status")).toBe("queued");
    await page.getByRole("button", { name: "Stop" }).click();
    await answered(page, "stopped");
    for (const { page: other } of busy) await other.getByRole("button", { name: "Stop" }).click();
    for (const { page: other } of busy) await answered(other, "stopped");
    await page.getByRole("button", { name: "Try again" }).click();
    expect(await answered(page)).toBe(shown("twenty"));
  });

  test("while the prompt is read", async () => {
    const { page } = await open(house.url);
    await ask(page, `endless ${"word ".repeat(5500)}`);
    await page.getByText(/^Reading: /).waitFor();
    await page.getByRole("button", { name: "Stop" }).click();
    await answered(page, "stopped");
  });
});

describe("many pages, one truth", () => {
  test("two tabs on one conversation show the same tokens", async () => {
    const one = await open(house.url);
    await ask(one.page, "endless");
    await grownBeyond(one.page, 100);
    const two = await open(one.page.url());
    await grownBeyond(two.page, 1000);
    await two.page.getByRole("button", { name: "Stop" }).click();
    expect(await answered(one.page, "stopped")).toBe(await answered(two.page, "stopped"));
    await ask(two.page, "twenty");
    expect(await answered(one.page, "done", 1)).toBe(shown("twenty"));
  });

  test("a reload in mid-answer comes back to the whole text so far, and goes on", async () => {
    const { page } = await open(house.url);
    await ask(page, "long");
    for (let i = 1; i <= 3; i++) {
      await grownBeyond(page, i * 300);
      await page.reload();
      await connected(page);
    }
    expect(await answered(page)).toBe(shown("long"));
  });

  test("a socket cut in mid-answer comes back by itself: no token lost, none twice", async () => {
    const wire = startWire(house.url);
    const { page, problems } = await open(wire.url);
    await ask(page, "long");
    for (let i = 1; i <= 3; i++) {
      await grownBeyond(page, i * 300);
      wire.cut();
      await page
        .locator('[role="status"][data-connection="off"]', { hasText: "Not connected, reconnecting" })
        .getByText("Not connected")
        .waitFor();
      await connected(page);
    }
    expect(await answered(page)).toBe(shown("long"));
    problems.length = 0; // Chromium reports a cut wire as an error; that is the point here
    wire.stop();
  });

  test("a hidden, frozen tab whose socket is cut shows everything when it is looked at again", async () => {
    const wire = startWire(house.url);
    const { page, problems } = await open(wire.url);
    await ask(page, "long");
    await grownBeyond(page, 200);
    const session = await page.context().newCDPSession(page);
    await session.send("Page.setWebLifecycleState", { state: "frozen" });
    wire.cut();
    await until(
      async () => ((await (await fetch(`${house.url}/readyz`)).json()) as { running: number }).running === 0,
      "the answer is complete without a watcher",
    );
    await session.send("Page.setWebLifecycleState", { state: "active" });
    expect(await answered(page)).toBe(shown("long"));
    problems.length = 0;
    wire.stop();
  });

  test("what is sent while the socket is cut is kept in the field, and arrives once when it is back", async () => {
    const wire = startWire(house.url);
    const { page, problems } = await open(wire.url);
    wire.cut();
    await page.waitForSelector('[role="status"][data-connection="off"]');
    await ask(page, "twenty");
    expect(await page.inputValue("#text")).toBe("twenty");
    await page.keyboard.press("Enter");
    expect(await answered(page)).toBe(shown("twenty"));
    expect(await page.locator('article[data-role="user"]').count()).toBe(1);
    expect(await page.inputValue("#text")).toBe("");
    problems.length = 0;
    wire.stop();
  });
});

describe("languages", () => {
  test("English by preference", async () => {
    const { page } = await open(house.url, { locale: "en-US" });
    expect(await page.getAttribute("html", "lang")).toBe("en");
    for (const name of ["Conversation"]) await page.getByRole("log", { name }).waitFor();
    await page.getByRole("textbox", { name: "Message" }).waitFor();
    await page.getByRole("link", { name: "New chat" }).waitFor();
  });

  test("German by preference, on the page and in what the socket brings", async () => {
    const { page } = await open(house.url, { locale: "de-DE" });
    expect(await page.getAttribute("html", "lang")).toBe("de");
    await page.getByRole("log", { name: "Unterhaltung" }).waitFor();
    await page.getByRole("textbox", { name: "Nachricht" }).waitFor();
    await page.getByText("Verbunden", { exact: true }).waitFor();
    await ask(page, "Deutsch");
    expect(await answered(page)).toBe(shown("german"));
    expect(await page.locator(".stats").textContent()).toMatch(
      /^\d+ Token · [\d.,]+ Token\/s.*Token Eingabe.*erstes Token nach \d+(,\d+)? s.*vollständig$/,
    );
    await ask(page, "endless");
    await grownBeyond(page, 10);
    await page.getByRole("button", { name: "Stopp" }).click();
    await answered(page, "stopped");
    await page.getByRole("button", { name: "Nochmal versuchen" }).waitFor();
    await page.getByRole("button", { name: "Senden" }).waitFor();
  });
});

describe("hands and eyes", () => {
  test("keyboard alone: Shift+Enter breaks the line, Enter sends, the field grows, Tab reaches Stop", async () => {
    const { page } = await open(house.url);
    const height = async () => (await page.locator("#text").boundingBox())?.height ?? 0;
    const before = await height();
    await page.keyboard.type("twenty");
    for (let i = 0; i < 3; i++) await page.keyboard.press("Shift+Enter");
    await page.keyboard.type("please");
    expect(await height()).toBeGreaterThan(before + 40);
    await page.keyboard.press("Enter");
    await answered(page);
    expect(await page.locator('article[data-role="user"] .text').textContent()).toBe("twenty\n\n\nplease");
    expect(await height()).toBe(before);
    await page.keyboard.type("endless");
    await page.keyboard.press("Enter");
    await grownBeyond(page, 100);
    await page.keyboard.press("Tab");
    expect(await page.evaluate(() => document.activeElement?.textContent)).toBe("Stop");
    await page.keyboard.press("Enter");
    await answered(page, "stopped");
    await page.keyboard.type("x");
    expect(await page.inputValue("#text")).toBe("x");
  });

  test("Enter while a word is composed belongs to the input method", async () => {
    const { page } = await open(house.url);
    await page.fill("#text", "twen");
    await page.dispatchEvent("#text", "keydown", {
      key: "Enter",
      isComposing: true,
      bubbles: true,
      cancelable: true,
    });
    await page.fill("#text", "twenty");
    await page.keyboard.press("Enter");
    await answered(page);
    expect(await page.locator('article[data-role="user"]').count()).toBe(1);
  });

  test("Enter while an answer is written sends nothing and loses nothing", async () => {
    const { page } = await open(house.url);
    await ask(page, "endless");
    await grownBeyond(page, 100);
    await ask(page, "next question");
    expect(await page.inputValue("#text")).toBe("next question");
    await page.getByRole("button", { name: "Stop" }).click();
    await answered(page, "stopped");
    expect(await page.inputValue("#text")).toBe("next question");
    expect(await page.locator('article[data-role="user"]').count()).toBe(1);
  });

  test("a question stays below the head while its answer grows and when it ends; a button leads to the end and follows it", async () => {
    const { page } = await open(house.url);
    const place = () =>
      page.evaluate(() => {
        const scroller = document.getElementById("scroller") as HTMLElement;
        const question = [...scroller.querySelectorAll('article[data-role="user"]')].at(-1) as HTMLElement;
        const top = question.getBoundingClientRect().top - scroller.getBoundingClientRect().top;
        return { fromEnd: -scroller.scrollTop, top };
      });
    const length = () =>
      page.evaluate(() => document.querySelector("#t")?.parentElement?.textContent?.length ?? 0);
    // a short answer, then the next question: both stay where they are put, at the end of the answer, too
    for (const text of ["Hello?", "twenty"]) {
      await ask(page, text);
      await page.waitForFunction(
        (asked) =>
          [...document.querySelectorAll('article[data-role="user"]')].at(-1)?.textContent?.includes(asked),
        text,
      );
      const { top } = await place();
      expect(top).toBeGreaterThan(0);
      expect(top).toBeLessThan(40);
      await answered(page);
      expect(Math.abs((await place()).top - top)).toBeLessThan(2);
    }
    const button = page.getByRole("button", { name: "Jump to the end" });
    expect(await button.isVisible()).toBe(false);
    await ask(page, "endless");
    await grownBeyond(page, 4000);
    expect((await place()).top).toBeLessThan(40);
    await button.waitFor();
    await page.locator("#scroller").hover();
    const before = await place();
    await page.mouse.wheel(0, 300);
    await page.waitForFunction(
      (top) =>
        ([...document.querySelectorAll('article[data-role="user"]')].at(-1)?.getBoundingClientRect().top ??
          0) <
        top - 200,
      before.top,
    );
    const left = await place();
    await grownBeyond(page, (await length()) + 3000);
    const later = await place();
    expect(Math.abs(later.top - left.top)).toBeLessThan(3);
    expect(later.fromEnd).toBeGreaterThan(left.fromEnd);
    await button.click();
    await page.waitForFunction(() => (document.getElementById("scroller") as HTMLElement).scrollTop > -2);
    expect(await button.isVisible()).toBe(false);
    await grownBeyond(page, (await length()) + 1000);
    expect((await place()).fromEnd).toBeLessThan(2); // it follows
    await page.getByRole("button", { name: "Stop" }).click();
    await answered(page, "stopped");
  });

  test("keys do what buttons do, for whoever is not writing, and ? shows them", async () => {
    const { page } = await open(house.url);
    await ask(page, "twenty by key");
    await answered(page);
    await page.keyboard.type("n/?");
    expect(await page.inputValue("#text")).toBe("n/?");
    await page.fill("#text", "");
    await page.locator("#text").press("Escape");
    await page.keyboard.press("?");
    await page
      .getByRole("dialog", { name: "Keyboard shortcuts" })
      .getByText("Edit the last question")
      .waitFor();
    await page.keyboard.press("?");
    await page.keyboard.press("e");
    await page.getByRole("textbox", { name: "Edit" }).waitFor();
    await page.locator("body").click({ position: { x: 700, y: 5 } });
    await page.keyboard.press("/");
    expect(await page.evaluate(() => (document.activeElement as HTMLInputElement).type)).toBe("search");
    await page.locator("body").click({ position: { x: 700, y: 5 } });
    await page.keyboard.press("n");
    await page.waitForURL(`${house.url}/`);
    await connected(page);
    await ask(page, "endless");
    await grownBeyond(page, 100);
    await page.locator("#text").press("Escape");
    await page.keyboard.press(".");
    await answered(page, "stopped");
    const url = page.url();
    await page.keyboard.press("Escape");
    await page.locator("#text").press("Escape");
    await page.keyboard.press("j");
    await page.waitForURL((now) => now.href !== url);
    await connected(page);
  });

  test("screen readers hear of the start and the end of an answer, not of each token", async () => {
    const { page } = await open(house.url);
    expect(await page.locator('[role="log"]').getAttribute("aria-live")).toBe("off");
    await page.evaluate(() => {
      const heard: string[] = [];
      (window as unknown as { heard: string[] }).heard = heard;
      new MutationObserver(() => heard.push(document.getElementById("announce")?.textContent ?? "")).observe(
        document.getElementById("announce") as Node,
        {
          childList: true,
        },
      );
    });
    await ask(page, "story");
    await answered(page);
    expect(await page.evaluate(() => (window as unknown as { heard: string[] }).heard)).toEqual([
      "Answering",
      "Answer complete",
    ]);
  });

  test("a phone's viewport: nothing scrolls sideways, targets are large enough to touch", async () => {
    const { page } = await open(house.url, {
      viewport: { width: 360, height: 640 },
      hasTouch: true,
      isMobile: true,
    });
    await ask(page, "html please");
    await answered(page);
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(360);
    for (const target of await page.locator("button:visible, textarea, header a.new").all())
      expect((await target.boundingBox())?.height).toBeGreaterThanOrEqual(44);
  });

  test("a cursor blinks at the open end, and is gone at the end", async () => {
    const { page } = await open(house.url);
    await ask(page, "endless");
    await grownBeyond(page, 10);
    const cursor = () =>
      page.evaluate(() =>
        [...document.querySelectorAll('article[data-role="assistant"] > .text *')].some(
          (each) => getComputedStyle(each, "::after").animationName === "blink",
        ),
      );
    expect(await cursor()).toBe(true);
    await page.getByRole("button", { name: "Stop" }).click();
    await answered(page, "stopped");
    expect(await cursor()).toBe(false);
  });
});
