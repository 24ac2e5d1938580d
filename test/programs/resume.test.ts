// A program that names its stream (X-Conversation-Id) can read it again from any byte, through parlor as
// from llama-server itself; nobody else can, and what was stopped is over. If this fails, a cut connection
// costs a program its answer, or shows it to others.
// Promises: P4.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { hashOf, newKey } from "../../src/auth/secrets.ts";
import { type House, startHouse } from "../house.ts";
import { type Llama, startLlama, until } from "../llama/server.ts";

let llamas: Llama[];
let house: House;
const keys: string[] = [];
beforeAll(async () => {
  llamas = await Promise.all([startLlama(), startLlama()]);
  house = await startHouse({ llama: llamas.map(({ url }) => url), auth: "password" });
  await until(
    () => house.upstream.servers.every(({ status }) => status === "ready"),
    "the house sees both llama-servers",
  );
  for (const name of ["Ada", "Bob"]) {
    const person = await house.store.people.add({ name, role: "member", password: null });
    const key = newKey();
    await house.store.keys.add(hashOf(key), { person: person.id, name: "test", scopes: ["answers"] });
    keys.push(key);
  }
});
afterAll(async () => {
  await house?.stop();
  await Promise.all((llamas ?? []).map((llama) => llama.stop()));
});

const as = (who: 0 | 1) => ({ authorization: `Bearer ${keys[who]}` });
const ask = (who: 0 | 1, id: string, content: string, signal?: AbortSignal): Promise<Response> =>
  fetch(`${house.url}/v1/chat/completions`, {
    method: "POST",
    headers: { ...as(who), "x-conversation-id": id },
    body: JSON.stringify({ stream: true, messages: [{ role: "user", content }] }),
    ...(signal && { signal }),
  });
const stream = (who: 0 | 1, query: string, method = "GET"): Promise<Response> =>
  fetch(`${house.url}/v1/stream?${query}`, { method, headers: as(who) });
const lookUp = async (
  who: 0 | 1,
  ...ids: string[]
): Promise<{ conversation_id: string; is_done: boolean; total_bytes: number }[]> => {
  const body = JSON.stringify({ conversation_ids: ids });
  return (await (
    await fetch(`${house.url}/v1/streams/lookup`, { method: "POST", headers: as(who), body })
  ).json()) as never;
};
const busy = async () =>
  (await Promise.all(llamas.map((llama) => llama.busySlots()))).reduce((sum, each) => sum + each, 0);

test("whole, from any byte, and by its owner alone", async () => {
  const whole = Buffer.from(await (await ask(0, "mine", "medium")).arrayBuffer());
  expect(whole.toString()).toEndWith("data: [DONE]\n\n");
  for (const from of [0, 1, 1000, whole.length - 3])
    expect(Buffer.from(await (await stream(0, `conv_id=mine&from=${from}`)).arrayBuffer())).toEqual(
      whole.subarray(from),
    );
  expect(await lookUp(0, "mine", "other")).toMatchObject([
    { conversation_id: "mine", is_done: true, total_bytes: whole.length },
  ]);
  expect(await lookUp(1, "mine")).toEqual([]);
  expect((await stream(1, "conv_id=mine&from=0")).status).toBe(404);
  expect((await stream(1, "conv_id=mine", "DELETE")).status).toBe(204);
  const theirs = await (await ask(1, "mine", "twenty")).text();
  expect(await (await stream(1, "conv_id=mine&from=0")).text()).toBe(theirs);
  expect(Buffer.from(await (await stream(0, "conv_id=mine&from=0")).arrayBuffer())).toEqual(whole);
  expect((await stream(0, "conv_id=mine", "DELETE")).status).toBe(204);
  expect(await lookUp(0, "mine")).toEqual([]);
});

test("goes on when its program is gone, and is ended by DELETE; without the header the slot is free at once", async () => {
  const gone = new AbortController();
  const response = await ask(0, "long", "endless", gone.signal);
  await response.body?.getReader().read();
  gone.abort();
  await until(
    async () => ((await lookUp(0, "long"))[0]?.total_bytes ?? 0) > 20_000,
    "it goes on without a reader",
  );
  expect((await lookUp(0, "long"))[0]?.is_done).toBe(false);
  expect((await stream(0, "conv_id=long", "DELETE")).status).toBe(204);
  await until(async () => (await busy()) === 0, "no slot is held");
  const quitter = new AbortController();
  const other = await fetch(`${house.url}/v1/chat/completions`, {
    method: "POST",
    headers: as(0),
    body: JSON.stringify({ stream: true, messages: [{ role: "user", content: "endless" }] }),
    signal: quitter.signal,
  });
  await other.body?.getReader().read();
  quitter.abort();
  await until(async () => (await busy()) === 0, "its slot is free");
});

test("the stream of somebody who is removed is ended", async () => {
  const response = await ask(0, "stopped", "endless");
  const reading = response.text().catch(() => "");
  await until(async () => (await busy()) === 1, "it is being answered");
  const ada = (await house.store.people.list()).find(({ name }) => name === "Ada");
  await house.store.people.change(ada?.id ?? "", { removed: true });
  await until(async () => (await busy()) === 0, "nobody goes on with it");
  await reading;
});

test("what makes no sense is refused in words", async () => {
  expect((await stream(1, "from=0")).status).toBe(400);
  expect((await stream(1, "conv_id=x", "PUT")).status).toBe(405);
  expect((await ask(1, "x".repeat(300), "twenty")).status).toBe(400);
  const bad = await fetch(`${house.url}/v1/streams/lookup`, { method: "POST", headers: as(1), body: "{}" });
  expect([bad.status, ((await bad.json()) as { error: { message: string } }).error.message]).toEqual([
    400,
    expect.stringContaining("conversation_ids"),
  ]);
  expect((await fetch(`${house.url}/v1/stream?conv_id=x`)).status).toBe(401);
});
