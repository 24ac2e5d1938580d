// Several parlors do what one does: one queue, one set of limits, one sign-in, and every address answers
// whatever process it reaches. If this fails, it depends on the balancer what people may do and see.

import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { newId } from "../../src/domain/id.ts";
import { openPostgres } from "../../src/store/postgres.ts";
import type { Store } from "../../src/store/store.ts";
import { executable } from "../e2e/stage.ts";
import { until } from "../llama/server.ts";
import { type House, type Leading, type Process, startHouse } from "./house.ts";

let house: House;
let store: Store;
let [leader, first, second]: Process[] = [];
beforeAll(async () => {
  house = await startHouse({ args: ["--auth", "password"], leaseMs: 60_000 });
  store = await openPostgres(house.database);
  for (const [name, role] of [
    ["Ada", "admin"],
    ["Ben", "member"],
    ["Cleo", "member"],
  ] as const)
    addPerson(name, role);
  adopt((await house.leader()) as Leading);
}, 180_000);
afterEach(async () => {
  for (const { id } of await store.activeRuns()) await store.wishStop({ id });
  await until(async () => (await busy()) === 0, "llama-server is idle");
});
afterAll(async () => {
  await store?.close();
  await house?.close();
});

function adopt(now: Leading): void {
  leader = now.leader;
  [first, second] = [...now.followers, ...house.processes.filter((each) => each !== now.leader)];
}

const passwordOf = (name: string) => `${name} has a long password`;

function addPerson(name: string, role: string): void {
  const added = Bun.spawnSync([executable, "user", "add", name, role, "--db", house.database], {
    stdin: new TextEncoder().encode(`${passwordOf(name)}\n`),
    env: { PATH: "/usr/bin", HOME: "/nonexistent" },
  });
  if (added.exitCode !== 0) throw new Error(added.stderr.toString());
}

const busy = (): Promise<number> => house.busySlots();

/** Runs that wait, as the leader says. */
async function waiting(): Promise<number> {
  const answer = await fetch(`${(leader as Process).url}/readyz`);
  return ((await answer.json()) as { waiting: number }).waiting;
}

/** Somebody who has signed in at one process, and what they do at any. */
class Somebody {
  /** Signed in once each: an address may not try too often. */
  static readonly #known = new Map<string, Somebody>();
  #cookie = "";

  static async signedIn(name: string, at: Process): Promise<Somebody> {
    const known = Somebody.#known.get(name);
    if (known) return known;
    const body = new URLSearchParams({ name, password: passwordOf(name) });
    const answer = await fetch(`${at.url}/login`, {
      method: "POST",
      body,
      redirect: "manual",
      headers: { origin: at.url },
    });
    const somebody = new Somebody();
    Somebody.#known.set(name, somebody);
    somebody.#cookie = (answer.headers.getSetCookie()[0] ?? "").split(";")[0] as string;
    return somebody;
  }

  fetch(url: string, init: RequestInit = {}): Promise<Response> {
    const headers = { cookie: this.#cookie, origin: new URL(url).origin, ...(init.headers as object) };
    return fetch(url, { redirect: "manual", ...init, headers });
  }

  /** Sends what a page without scripts sends. */
  send(at: Pick<Process, "url">, conversation: string, fields: Record<string, string>): Promise<Response> {
    return this.fetch(`${at.url}/c/${conversation}`, { method: "POST", body: new URLSearchParams(fields) });
  }

  say(at: Pick<Process, "url">, conversation: string, text: string): Promise<Response> {
    return this.send(at, conversation, { type: "say", message: newId(), text });
  }

  /** Opens the socket of a page; what it got so far, and the code with which it was closed. */
  async watch(at: Pick<Process, "url">, conversation: string) {
    const options = { headers: { cookie: this.#cookie, origin: at.url } };
    const address = `${at.url.replace("http", "ws")}/live?c=${conversation}`;
    const socket = new WebSocket(address, options as unknown as string[]);
    const watched = { text: "", code: null as number | null, close: () => socket.close() };
    socket.onmessage = ({ data }) => (watched.text += data);
    socket.onclose = ({ code }) => (watched.code = code);
    await until(() => watched.text !== "" || watched.code !== null, "the page has its first frame");
    return watched;
  }
}

const statusOf = async (conversation: string) =>
  (await store.thread(conversation, { limit: 5 })).thread.at(-1)?.run?.status;
const textOf = async (conversation: string) =>
  (await store.thread(conversation, { limit: 5 })).thread.at(-1)?.message.text ?? "";

/** The order in which the waiting questions of these conversations begin, once all have. */
async function orderOfStart(wished: readonly string[]): Promise<string[]> {
  const runs = new Map(
    await Promise.all(
      wished.map(async (id) => [id, (await store.thread(id, { limit: 5 })).thread.at(-1)?.run?.id] as const),
    ),
  );
  const started: string[] = [];
  // those that have begun between two looks are taken in the order that is wished: the looks are close
  const look = async () => {
    const waits = (await store.activeRuns()).filter(({ status }) => status === "queued").map(({ id }) => id);
    started.push(...wished.filter((id) => !started.includes(id) && !waits.includes(runs.get(id) ?? "")));
    return started.length === wished.length;
  };
  await until(look, "all have begun");
  return started;
}

test("who signs in at one process is signed in at all of them", async () => {
  const ada = await Somebody.signedIn("Ada", first as Process);
  for (const each of house.processes) expect((await ada.fetch(`${each.url}/`)).status).toBe(200);
  expect((await ada.fetch(`${house.url}/account`)).status).toBe(200);
});

test("questions through any process stand in one queue, in their order, and shares are kept", async () => {
  const [ada, ben] = [
    await Somebody.signedIn("Ada", leader as Process),
    await Somebody.signedIn("Ben", first as Process),
  ];
  const holding = Array.from({ length: 4 }, newId);
  for (const [i, id] of holding.entries()) await ada.say(house.processes[i % 3] as Process, id, "endless");
  await until(async () => (await busy()) === 4, "all slots are taken");
  const asked: [string, string][] = [];
  // Ada has three, then Ben one: his comes first, since she has had so much
  for (const [at, who, name] of [
    [first, ada, "ada"],
    [second, ada, "ada"],
    [leader, ada, "ada"],
    [second, ben, "ben"],
  ] as const) {
    const id = newId();
    asked.push([id, name]);
    expect((await who.say(at as Process, id, "Hello?")).status).toBe(303);
    // within some hundredths of a second, questions through different processes may change places
    await until(async () => (await waiting()) === asked.length, "the leader knows of it");
  }
  const [a1, a2, a3, b1] = asked.map(([id]) => id) as [string, string, string, string];
  const order = orderOfStart([b1, a1, a2, a3]);
  // one slot becomes free after the other: the next begins when the one before is over
  await ada.send(first as Process, holding[0] as string, { type: "stop" });
  expect(await order).toEqual([b1, a1, a2, a3]);
});

test("Stop through a follower frees the slot", async () => {
  const ada = await Somebody.signedIn("Ada", second as Process);
  const id = newId();
  await ada.say(first as Process, id, "endless");
  await until(async () => (await busy()) === 1 && (await textOf(id)) !== "", "it is being written");
  await ada.send(second as Process, id, { type: "stop" });
  await until(async () => (await busy()) === 0, "the slot is idle");
  await until(async () => (await statusOf(id)) === "stopped", "it is stopped");
});

test("a page at each process shows the same, and what is removed is out everywhere within a second", async () => {
  const cleo = await Somebody.signedIn("Cleo", first as Process);
  const id = newId();
  await cleo.say(first as Process, id, "Hello?");
  const pages = await Promise.all(house.processes.map((each) => cleo.watch(each, id)));
  await until(async () => (await statusOf(id)) === "done", "it is answered");
  await until(() => pages.every(({ text }) => text.includes('data-status="done"')), "all pages show it");
  const person = (await store.people.list()).find(({ name }) => name === "Cleo");
  const removedAt = performance.now();
  await store.people.change((person as { id: string }).id, { removed: true });
  await until(() => pages.every(({ code }) => code !== null), "all sockets are closed");
  const closedAfter = performance.now() - removedAt;
  console.log(`a removed person's sockets closed everywhere after ${Math.round(closedAfter)} ms`);
  expect(closedAfter).toBeLessThan(3_000); // one second, and what a busy machine adds
  for (const each of house.processes) expect((await cleo.fetch(`${each.url}/`)).status).not.toBe(200);
});

test("limits hold whatever process a question comes through", async () => {
  const ben = await Somebody.signedIn("Ben", first as Process);
  const person = (await store.people.list()).find(({ name }) => name === "Ben") as { id: string };
  await store.people.change(person.id, { ownLimits: { runsPerMinute: 2 } });
  const codes: number[] = [];
  for (const each of house.processes) codes.push((await ben.say(each, newId(), "Hello?")).status);
  expect(codes.filter((code) => code === 429).length).toBeGreaterThan(0);
  await store.people.change(person.id, { ownLimits: {} });
});

test("a temporary chat works through any process, and is nowhere on disk", async () => {
  const ada = await Somebody.signedIn("Ada", first as Process);
  const page = await (await ada.fetch(`${(first as Process).url}/temporary`)).text();
  const id = /\/live\?c=(temporary-[\w-]+)/.exec(page)?.[1] as string;
  const watched = await ada.watch(second as Process, id);
  expect((await ada.say(first as Process, id, "Hello?")).status).toBe(303);
  await until(() => watched.text.includes('data-status="done"'), "it is answered");
  watched.close();
  expect(await store.ownerOf(id)).toBeNull();
});

test("programs reach the queue through any process: streams, text, and what is refused", async () => {
  const ada = await Somebody.signedIn("Ada", first as Process);
  const form = new URLSearchParams({ name: "test", answers: "on" });
  const made = await (
    await ada.fetch(`${(first as Process).url}/account/keys`, { method: "POST", body: form })
  ).text();
  const key = /pk_[\w-]+|parlor_[\w-]+/.exec(made)?.[0] ?? /value="([\w-]{30,})"/.exec(made)?.[1];
  const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };
  const body = JSON.stringify({ messages: [{ role: "user", content: "Hello?" }], stream: true });
  const streamed = await fetch(`${(second as Process).url}/v1/chat/completions`, {
    method: "POST",
    headers,
    body,
  });
  expect(streamed.status).toBe(200);
  expect(streamed.headers.get("content-type")).toContain("text/event-stream");
  expect((await streamed.text()).trimEnd()).toEndWith("data: [DONE]");
  const asked = await fetch(`${house.url}/ask`, {
    method: "POST",
    headers: { authorization: headers.authorization, "content-type": "text/plain" },
    body: "Hello?",
  });
  expect(asked.status).toBe(200);
  const answer = await asked.text();
  const options = { headers: { authorization: headers.authorization } } as unknown as string[];
  const socket = new WebSocket(`${(second as Process).url.replace("http", "ws")}/chat`, options);
  let heard = "";
  socket.onmessage = ({ data }) => (heard += data);
  await until(() => socket.readyState === WebSocket.OPEN, "the socket is open");
  socket.send("Hello?");
  await until(() => heard.includes(answer.trim().slice(0, 10)), "the answer comes over the socket");
  socket.close();
  const wrong = { ...headers, authorization: "Bearer nobody" };
  expect((await fetch(`${(first as Process).url}/v1/models`, { headers: wrong })).status).toBe(401);
});

test("an admin sees the processes, and which one leads, through any of them", async () => {
  const ada = await Somebody.signedIn("Ada", first as Process);
  for (const each of house.processes) {
    const page = await (await ada.fetch(`${each.url}/admin`)).text();
    const shown = [...page.matchAll(/<li( data-leads="true")?>(http:[^<]+)/g)];
    expect(shown.map(([, , url]) => url).sort()).toEqual(house.processes.map(({ url }) => url).sort());
    expect(shown.find(([, leads]) => leads)?.[2]).toBe((leader as Process).url);
  }
});

test("a parlor that does not say how it is reached can't be one of several, and says so", async () => {
  const started = Bun.spawn([executable, "--db", house.database, "--port", "0", "--data", house.data], {
    ...{ stdout: "pipe", stderr: "pipe", stdin: "ignore" },
    env: { PATH: "/usr/bin", HOME: "/nonexistent" },
  });
  expect(await started.exited).toBe(1);
  expect(await new Response(started.stdout).text()).toBe("");
  expect(await new Response(started.stderr).text()).toContain("another parlor uses this --db");
});

test("a page without WebSockets sends through whatever process the balancer chooses", async () => {
  const ada = await Somebody.signedIn("Ada", first as Process);
  const id = newId();
  const abort = new AbortController();
  const events = await ada.fetch(`${house.url}/live/events?c=${id}`, { signal: abort.signal });
  let text = "";
  const reading = (async () => {
    const decoder = new TextDecoder();
    for await (const bytes of events.body as ReadableStream<Uint8Array>)
      text += decoder.decode(bytes, { stream: true });
  })().catch(() => {});
  await until(() => /event: seat\ndata: (\S+)/.test(text), "the page has its seat");
  const seat = /event: seat\ndata: (\S+)/.exec(text)?.[1];
  const frame = JSON.stringify({ type: "say", message: newId(), text: "Hello?" });
  for (const each of house.processes) {
    const said = await ada.fetch(`${each.url}/live/say?seat=${seat}`, { method: "POST", body: frame });
    expect(said.status).toBe(202);
  }
  await until(() => text.includes('data-status="done"'), "it is answered");
  abort.abort();
  await reading;
});

test("when another process leads, those who wait keep their order and their shares; answers go on", async () => {
  const [ada, ben] = [
    await Somebody.signedIn("Ada", first as Process),
    await Somebody.signedIn("Ben", second as Process),
  ];
  const holding = Array.from({ length: 4 }, newId);
  for (const [i, id] of holding.entries()) await ada.say(house.processes[i % 3] as Process, id, "endless");
  await until(async () => (await busy()) === 4, "all slots are taken");
  const [a1, a2, b1] = [newId(), newId(), newId()];
  for (const [i, [at, who, id]] of (
    [
      [second, ada, a1],
      [leader, ada, a2],
      [first, ben, b1],
    ] as const
  ).entries()) {
    expect((await who.say(at as Process, id, "Hello?")).status).toBe(303);
    await until(async () => (await waiting()) === i + 1, "the leader knows of it");
  }
  const before = await Promise.all(holding.map(textOf));
  leader?.kill("SIGTERM"); // the lease of this house is long; one that ends gives it up
  adopt(await house.leaderAfter(leader as Process));
  await until(async () => (await waiting()) === 3, "the next leader has them all");
  const order = orderOfStart([b1, a1, a2]);
  await ada.send(first as Process, holding[0] as string, { type: "stop" });
  expect(await order).toEqual([b1, a1, a2]);
  for (const id of [a1, a2, b1]) await until(async () => (await statusOf(id)) === "done", "it is answered");
  for (const [i, id] of holding.entries()) {
    if (i > 0) expect(await statusOf(id)).toBe("running");
    expect((await textOf(id)).length).toBeGreaterThan((before[i] as string).length);
  }
  await house.whole();
});
