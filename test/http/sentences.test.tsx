// Sentences that fit what has happened. If this fails, somebody follows advice that can't help, or reads an id where a name belongs.
// Promises: R7.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { newId } from "../../src/domain/id.ts";
import type { Thread } from "../../src/domain/thread.ts";
import { machineOf } from "../../src/domain/upstream.ts";
import { Gauge } from "../../views/composer.tsx";
import { sentenceOf, wordsOf } from "../../views/words.ts";
import { type House, PageClient, readable, startHouse } from "../house.ts";
import { until } from "../llama/server.ts";
import { type Scripted, startScripted } from "../upstream/scripted.ts";

let upstream: Scripted;
let house: House;
const personas = mkdtempSync(join(tmpdir(), "parlor-personas-"));
const get = async (name: string, path: string, form?: Record<string, string>): Promise<string> => {
  const headers = { "remote-user": name, ...(form && { origin: house.url }) };
  return (
    await fetch(house.url + path, {
      headers,
      ...(form && { method: "POST", body: new URLSearchParams(form) }),
    })
  ).text();
};

beforeAll(async () => {
  upstream = startScripted((exchange) => {
    exchange.begin();
    exchange.delta("a secret answer");
    exchange.finish();
  });
  house = await startHouse({ llama: upstream.url, auth: "header", trustedProxies: ["127.0.0.1"], personas });
  await until(() => house.upstream.state.status === "ready", "the house sees its upstream");
  await get("Root", "/");
  const root = await house.store.people.named("Root");
  await house.store.people.change(root?.id as string, { role: "admin" });
});
afterAll(async () => {
  await house.stop();
  upstream.stop();
});

test("a persona whose file has a fault is not said to be gone, neither before nor after the question", async () => {
  const conversation = newId();
  await Bun.write(join(personas, "anna.md"), "---\nname: Anna\n---\nBe kind.\n");
  const page = await new PageClient(house, conversation, { "remote-user": "Root" }).ready();
  page.command({ type: "say", message: newId(), text: "one", persona: "anna" });
  await page.lastIs("done");
  await Bun.write(join(personas, "anna.md"), "---\ntemprature: 1\n---\nBe kind.\n");
  page.say("two");
  await page.lastIs("failed");
  expect(readable(page.document.body)).toContain("The persona anna can't be used: its file has an error");
  expect(await get("Root", `/c/${conversation}`)).toContain("anna (can&#39;t be used)");
  page.command({ type: "settle", persona: "anna" });
  await until(
    () => readable(page.element("notice")).includes("can't be used"),
    "it is refused in the same words",
  );
  await Bun.file(join(personas, "anna.md")).delete();
  page.say("three");
  await until(() => page.articles().length === 6 && page.last?.status === "failed", "it fails again");
  expect(readable(page.document.body)).toContain("The persona anna no longer exists");
  page.close();
});

test("a page of somebody who was erased, and one of a link that was revoked, show nothing any more", async () => {
  const conversation = newId();
  const page = await new PageClient(house, conversation, { "remote-user": "Dora" }).ready();
  page.say("a secret question");
  await page.lastIs("done");
  await get("Dora", `/c/${conversation}/share`, { lifetime: "week" });
  const [link] = await house.store.links.of(conversation);
  const frames: string[] = [];
  const reader = new WebSocket(`${house.url.replace("http", "ws")}/live?s=${link?.token}`);
  reader.onmessage = ({ data }) => frames.push(String(data));
  await until(() => frames.length > 0, "the reader sees it");
  page.gone = true;
  const dora = await house.store.people.named("Dora");
  await house.store.people.erase(dora?.id as string);
  await until(() => page.articles().length === 0, "the thread is gone");
  const said = readable(page.document.body);
  expect(said).toContain("not signed in");
  expect(said).not.toContain("secret");
  expect(said).not.toContain("reconnecting");
  await until(
    () =>
      frames.at(-1)?.includes("<hx-partial id=thread></hx-partial>") === true ||
      /id=thread[^>]*><\/hx-partial>/.test(frames.at(-1) ?? ""),
    "for readers, too",
  );
});

test("what was done is told with names, never with ids, also of who is gone", async () => {
  await get("Eve", "/");
  const eve = (await house.store.people.named("Eve"))?.id as string;
  const root = (await house.store.people.named("Root"))?.id as string;
  const conversation = newId();
  await house.store.audit.note({ actor: eve, act: "link_made", subject: conversation });
  await house.store.audit.note({ actor: root, act: "person_removed", subject: eve });
  await house.store.audit.note({ actor: null, act: "sign_in_refused" });
  await house.store.audit.note({ actor: null, act: "exported" });
  await house.store.audit.note({ actor: root, act: "limits_changed", subject: "member" });
  await house.store.audit.note({ actor: root, act: "persona_enforced", subject: "" });
  await house.store.people.erase(eve);
  const html = await get("Root", "/admin");
  const acts = html
    .slice(html.indexOf("Audit log"))
    .replace(/<[^>]*>/g, " ")
    .replace(/\s+/g, " ");
  for (const wished of [
    "an erased person shared a conversation",
    "Root removed an erased person",
    "An unknown name failed to sign in",
    "Somebody on the command line exported conversations",
    "Root changed the limits of Member",
    "Root set the persona for everybody: Everybody chooses their own",
  ])
    expect(acts).toContain(wished);
  for (const id of [eve, root, conversation]) expect(acts).not.toContain(id);
});

test("a question that is too long alone is not sent into a new chat, and room is what there is for it", () => {
  for (const language of ["en", "de"] as const) {
    const said = sentenceOf(
      { code: "context_overflow", facts: { promptTokens: 900, contextTokens: 1000, roomTokens: 750 } },
      wordsOf(language),
    );
    expect(said).toContain("900");
    expect(said).toContain("750");
    expect(said).not.toMatch(/new chat|neuen Chat/);
  }
});

test("the gauge's mark is where something is left behind, and it says so", () => {
  const gauge = (promptTokens: number) => {
    const stats = { contextTokens: 1000, roomTokens: 750, promptTokens, outputTokens: 20 };
    return String(<Gauge thread={[{ run: { stats } }] as unknown as Thread} words={wordsOf("en")} />);
  };
  expect(gauge(730)).toContain('high="750"');
  expect(gauge(730)).toContain(">750 of 1,000 tokens of context</span>");
  expect(gauge(731)).toContain("751 of 1,000 tokens of context: older messages will be left out");
});

test("nothing leaves the house where the model is on this machine or a private address; elsewhere it is said where the question goes", async () => {
  expect(await get("Root", "/")).toContain("Nothing leaves the house");
  for (const here of [
    "http://localhost:8080",
    "http://127.0.0.1",
    "http://127.1.2.3:1",
    "http://[::1]:8080",
    "http://0x7f.1",
    "http://[::ffff:127.0.0.1]",
    "http://192.168.0.5:8080",
    "http://10.1.2.3",
    "http://172.31.0.1",
    "http://169.254.1.1",
    "http://[fd00::1]:80",
    "http://[fe80::1]",
    "http://[::ffff:10.0.0.1]",
    "http://[::ffff:172.16.0.1]",
    "http://box.local",
    "http://gpu.home.arpa:8080",
  ])
    expect(machineOf(here)).toBeNull();
  for (const [there, machine] of [
    ["http://192.169.0.5:8080", "192.169.0.5:8080"],
    ["http://172.32.0.1", "172.32.0.1"],
    ["http://100.64.0.1", "100.64.0.1"],
    ["http://[2001:db8::1]:1", "[2001:db8::1]:1"],
    ["http://[::ffff:171.205.0.1]", "[::ffff:abcd:1]"],
    ["http://box.local.example", "box.local.example"],
    ["https://llama.example/v1", "llama.example"],
    ["http://127.0.0.1.example", "127.0.0.1.example"],
    ["http://localhost.example:1", "localhost.example:1"],
    ["http://gpu", "gpu"],
  ] as const)
    expect(machineOf(there)).toBe(machine);
  const away = await startHouse({ llama: ["http://llama.example:1", upstream.url] });
  const html = await (await fetch(away.url)).text();
  expect(html).toContain("sent to the language model at llama.example:1 and answered there");
  expect(html).not.toContain("Nothing leaves the house");
  await away.stop();
});
