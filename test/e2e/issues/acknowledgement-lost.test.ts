// When the socket broke after a question was stored but before the page heard of it, the next question was swallowed.
// Promises: R2, C5.

import { expect, test } from "bun:test";
import { answered, ask, connected, shown, startReady, withPages } from "../stage.ts";

const visit = withPages();

test("the thread itself acknowledges: the field is emptied after the reconnect, and the next question is asked", async () => {
  const parlor = await startReady();
  const { page } = await visit("about:blank", {}, async (page) => {
    let cut = false;
    await page.routeWebSocket(/\/live/, (socket) => {
      const server = socket.connectToServer();
      socket.onMessage((message) => {
        server.send(message);
        // the question is out: nothing of what it causes reaches the page
        if (!cut && String(message).includes("story")) {
          cut = true;
          server.onMessage(() => socket.close({ code: 1012 }));
        }
      });
    });
    await page.goto(parlor.url);
  });
  await ask(page, "story");
  await connected(page);
  expect(await answered(page)).toBe(shown("story"));
  expect(await page.inputValue("#text")).toBe("");
  await ask(page, "twenty");
  expect(await answered(page, "done", 1)).toBe(shown("twenty"));
  await parlor.stop();
});
