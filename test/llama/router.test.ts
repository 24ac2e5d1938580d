// llama-server in router mode, the real one: models are listed with their state, loaded when they are asked
// for, chosen per conversation and by personas. If this fails, people wait for a model without knowing, or
// get another than the one they chose.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { copyFileSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type House, PageClient, rendered, startHouse } from "../house.ts";
import { textOf } from "./recitals.ts";
import { demoModel, freePort, spawnLlama, until } from "./server.ts";

const folder = mkdtempSync(join(tmpdir(), "parlor-router-"));
let router: Bun.Subprocess;
let house: House;

beforeAll(async () => {
  const parrot = await demoModel();
  const models = join(folder, "models");
  for (const name of ["grey", "green"])
    await Bun.write(join(models, `${name}.gguf`), "").then(() =>
      copyFileSync(parrot, join(models, `${name}.gguf`)),
    );
  writeFileSync(join(models, "broken.gguf"), readFileSync(parrot).subarray(0, 3_000));
  await Bun.write(
    join(folder, "personas/greeny.md"),
    "---\nname: Greeny\nmodel: green\n---\nYou are green.\n",
  );
  const port = freePort();
  router = spawnLlama(port, ["--models-dir", models]);
  house = await startHouse({
    llama: `http://127.0.0.1:${port}`,
    personas: join(folder, "personas"),
    bounds: { pollReadyMs: 100 },
  });
  await until(() => house.upstream.state.models.length === 3, "its models are seen");
  // a model that is loaded before that is seen loaded at the next check, but not while it is being loaded
  await until(() => house.log.join().includes("follows the models of a router"), "its events are followed");
});
afterAll(async () => {
  await house?.stop();
  router?.kill("SIGTERM"); // its children end with it
  await router?.exited;
});

const states = () =>
  Object.fromEntries(house.upstream.state.models.map(({ name, status }) => [name, status]));
const modelOf = async (page: PageClient): Promise<string | undefined> => {
  const { thread } = await house.store.thread(page.conversation, { limit: 50 });
  return thread.at(-1)?.run?.stats.model;
};
/** Asks with the settings that the form has, and waits for the end. */
const answer = async (
  page: PageClient,
  fields: Record<string, string>,
): Promise<{ status: string; text: string }> => {
  const count = page.articles().length;
  page.command({
    type: "say",
    message: crypto.randomUUID().replaceAll("-", "").slice(0, 22),
    text: "twenty",
    ...fields,
  });
  await until(
    () => page.articles().length === count + 2 && !["queued", "running"].includes(page.last?.status ?? ""),
    "it is answered",
  );
  return page.last as { status: string; text: string };
};

test("models are listed as they are; the first question has one loaded, and says which", async () => {
  expect(states()).toEqual({ broken: "unloaded", green: "unloaded", grey: "unloaded" });
  const page = await new PageClient(house).ready();
  expect(await answer(page, { model: "grey" })).toMatchObject({
    status: "done",
    text: rendered(textOf("twenty")),
  });
  expect(await modelOf(page)).toBe("grey");
  await until(
    () => page.element("voice").textContent?.includes("grey") === true,
    "the head names it, without a reload",
  );
  await until(() => states()["grey"] === "loaded", "its state is seen");
  await until(() => house.upstream.state.contextTokens !== null, "its properties are read");
  expect(house.upstream.state).toMatchObject({ slots: 2, contextTokens: 32_768 });
  expect(page.frames.join("")).toContain("Loading the model grey.");
  page.close();
});

test("who names none gets what is loaded; a persona's model is its own; a conversation's choice wins and can be changed", async () => {
  const page = await new PageClient(house).ready();
  await answer(page, {});
  expect(await modelOf(page)).toBe("grey");
  const other = await new PageClient(house).ready();
  expect((await answer(other, { persona: "greeny" })).status).toBe("done");
  expect(await modelOf(other)).toBe("green");
  await until(() => house.upstream.state.slots === 4, "both have their slots");
  other.command({ type: "settle", persona: "greeny", model: "grey" });
  await until(
    async () => (await house.store.conversation(other.conversation))?.settings.model === "grey",
    "it is settled",
  );
  await answer(other, {});
  expect(await modelOf(other)).toBe("grey");
  page.close();
  other.close();
});

test("the panel offers them with their state", async () => {
  const html = await (await fetch(`${house.url}/c/AAAAAAAAAAAAAAAAAAAAAA/settings`)).text();
  expect(html).toContain(`<option value="grey">grey · ready</option>`);
  expect(html).toContain("broken · loads on first use");
});

test("one that can't be loaded fails in words that name it; one that is not there, too; and the next question is answered", async () => {
  const page = await new PageClient(house).ready();
  expect((await answer(page, { model: "broken" })).status).toBe("failed");
  expect(page.document.body.textContent).toContain("could not load the model broken");
  await until(() => states()["broken"] === "failed", "its state is seen");
  page.command({ type: "settle", persona: "", model: "nowhere" });
  await until(
    async () => (await house.store.conversation(page.conversation))?.settings.model === "nowhere",
    "it is settled",
  );
  expect((await answer(page, {})).status).toBe("failed");
  expect(page.document.body.textContent).toContain("No llama-server has the model nowhere");
  page.command({ type: "settle", persona: "", model: "" });
  await until(
    async () => (await house.store.conversation(page.conversation))?.settings.model === undefined,
    "it is settled",
  );
  expect((await answer(page, {})).status).toBe("done");
  page.close();
});

test("Stop frees the slot of the model that answers", async () => {
  const page = await new PageClient(house).ready();
  page.command({
    type: "say",
    message: crypto.randomUUID().replaceAll("-", "").slice(0, 22),
    text: "endless",
    model: "green",
  });
  await until(() => page.last?.status === "running" && page.last.text.length > 50, "it writes");
  page.command({ type: "stop" });
  await page.lastIs("stopped");
  const { thread } = await house.store.thread(page.conversation, { limit: 5 });
  expect(thread.at(-1)?.run?.slotFreed).toBe(true);
  page.close();
});

test("programs name the model, too", async () => {
  const ask = (model: string) =>
    fetch(`${house.url}/v1/chat/completions`, {
      method: "POST",
      body: JSON.stringify({ model, messages: [{ role: "user", content: "twenty" }] }),
    });
  expect(((await (await ask("green")).json()) as { model: string }).model).toBe("green");
  expect((await ask("nowhere")).status).toBe(404);
});
