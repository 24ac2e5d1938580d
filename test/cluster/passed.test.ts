// What programs get from a process that does not lead, as it is run. If this fails, a program's luck with the
// balancer decides whether its slot becomes free, who it is, and whether it ever gets an answer.

import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { until } from "../llama/server.ts";
import { type House, type Leading, type Process, startHouse } from "./house.ts";

let house: House;
let [leader, first, second]: Process[] = [];
beforeAll(async () => {
  house = await startHouse();
  const leading = (await house.leader()) as Leading;
  leader = leading.leader;
  [first, second] = leading.followers as [Process, Process];
}, 180_000);
afterEach(() => until(async () => (await busy()) === 0, "llama-server is idle"));
afterAll(() => house?.close());

const busy = async (): Promise<number> =>
  (await Promise.all(house.llamas.map((llama) => llama.busySlots()))).reduce((sum, n) => sum + n, 0);

/** Asks for an answer that does not end. */
const endless = (at: Process, signal: AbortSignal) =>
  fetch(`${at.url}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ messages: [{ role: "user", content: "endless" }], stream: true }),
    signal,
  });

/** A socket of a program, and what it has brought. */
async function chat(at: Process, headers: Record<string, string> = {}) {
  const address = `${at.url.replace("http", "ws")}/chat`;
  const socket = new WebSocket(address, { headers } as unknown as string[]);
  const heard = { text: "", code: null as number | null, socket };
  socket.onmessage = ({ data }) => (heard.text += data);
  socket.onclose = ({ code }) => (heard.code = code);
  await until(() => socket.readyState !== WebSocket.CONNECTING, "it is open or refused");
  return heard;
}

test("a program that goes away frees its slot, over HTTP and its socket", async () => {
  const program = new AbortController();
  const answer = await endless(first as Process, program.signal);
  await answer.body?.getReader().read();
  expect(await busy()).toBe(1);
  program.abort();
  await until(async () => (await busy()) === 0, "the slot is idle");
  const heard = await chat(second as Process);
  heard.socket.send("endless");
  await until(() => heard.text !== "", "it answers");
  heard.socket.close();
}, 60_000);

test("a page of the proxy's name opens a socket through a follower; one of another name does not", async () => {
  const through = {
    ...{ "x-forwarded-for": "198.51.100.7", "x-forwarded-proto": "https" },
    ...{ "x-forwarded-host": "chat.local" },
  };
  const own = await chat(first as Process, { ...through, origin: "https://chat.local" });
  expect(own.socket.readyState).toBe(WebSocket.OPEN);
  own.socket.close();
  const foreign = await chat(first as Process, { ...through, origin: "https://elsewhere.local" });
  expect(foreign.socket.readyState).not.toBe(WebSocket.OPEN);
});

test("a file for a temporary chat is taken by any process, and given by all", async () => {
  const body = new FormData();
  body.append("file", new Blob(["a text"]), "a.txt");
  const address = `${(first as Process).url}/files?c=temporary-abcdefghijklmnopqrstuv`;
  const taken = await fetch(address, { method: "POST", body, headers: { origin: (first as Process).url } });
  expect(taken.status).toBe(201);
  const { id } = (await taken.json()) as { id: string };
  expect(id).toStartWith("temporary-");
  for (const each of house.processes)
    expect(await (await fetch(`${each.url}/files/${id}`)).text()).toBe("a text");
});

test("a follower that ends lets a program read on for the time of grace", async () => {
  const program = new AbortController();
  const answer = await fetch(`${(first as Process).url}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ messages: [{ role: "user", content: "Hello?" }], stream: true }),
    signal: program.signal,
  });
  (first as Process).kill("SIGTERM");
  expect((await answer.text()).trimEnd()).toEndWith("data: [DONE]");
  await until(() => !(first as Process).isAlive, "it has ended");
  await house.whole();
}, 60_000);

test("when the leader stands still, what it had ends, and the next request is answered by the next leader", async () => {
  const program = new AbortController();
  const answer = await endless(first as Process, program.signal);
  const read = answer.text().then(
    () => "ended",
    () => "cut",
  );
  const heard = await chat(second as Process);
  (leader as Process).kill("SIGSTOP");
  const stoodAt = performance.now();
  expect(await read).toBe("cut");
  await until(() => heard.code !== null, "the socket is closed");
  console.log(`given up ${Math.round(performance.now() - stoodAt)} ms after the leader stood still`);
  expect(heard.code).toBe(1012);
  await until(async () => ((await house.leader())?.leader ?? leader) !== leader, "another process leads");
  expect((await fetch(`${(first as Process).url}/v1/models`)).status).toBe(200);
  await house.whole();
}, 120_000);

test("when the leader is killed, a request waits for the next one", async () => {
  const { leader: now, followers } = (await house.leader()) as Leading;
  await until(async () => (await fetch(`${now.url}/readyz`)).ok, "it is ready");
  now.kill("SIGKILL");
  await until(() => !now.isAlive, "it is dead");
  const answers = await Promise.all(followers.map(({ url }) => fetch(`${url}/v1/models`)));
  expect(answers.map(({ status }) => status)).toEqual([200, 200]);
  await house.whole();
}, 120_000);
