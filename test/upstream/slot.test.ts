// A Slot between its requests, over two llama-servers of two slots each. If this fails, more is sent to a
// llama-server than it has slots, or a slot is lost for ever.

import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test";
import { newId } from "../../src/domain/id.ts";
import type { Slot } from "../../src/upstream/upstream.ts";
import { type House, startHouse } from "../house.ts";
import { until } from "../llama/server.ts";
import { type Exchange, refuse, type Scripted, startScripted } from "./scripted.ts";

let servers: Scripted[];
let house: House;

const answer = (exchange: Exchange): void => {
  exchange.begin();
  exchange.delta("Yes.");
  exchange.finish();
};

beforeAll(async () => {
  servers = [startScripted(answer), startScripted(answer)];
  house = await startHouse({ llama: servers.map(({ url }) => url), bounds: { stopMs: 100 } });
  await until(() => house.upstream.state.slots === 4, "both are ready");
});
afterAll(async () => {
  await house.stop();
  for (const server of servers) server.stop();
});
beforeEach(() => {
  for (const server of servers) server.chats.length = 0;
});

const ask = (slot: Slot, content: string, signal = new AbortController().signal) =>
  slot.chat(
    { run: newId(), request: "" },
    { messages: [{ role: "user", content }], sampling: {}, model: null },
    { part() {}, prompt() {} },
    signal,
  );
/** Takes as many Slots as there are. */
function takeAll(): Slot[] {
  const slots: Slot[] = [];
  for (let slot = house.upstream.take(null); slot !== null; slot = house.upstream.take(null))
    slots.push(slot);
  return slots;
}
const releaseAll = (slots: readonly Slot[]) => Promise.all(slots.map((slot) => slot.release()));
const chats = () => servers.map((server) => server.chats.length);

test("there are as many Slots as slots, whether a request was sent in them or not; one for two counts as two", async () => {
  const slots = takeAll();
  expect(slots.length).toBe(4);
  await ask(slots[0] as Slot, "Is it?");
  expect(house.upstream.take(null)).toBeNull();
  expect(await releaseAll(slots.slice(0, 2))).toEqual([true, true]);
  const double = house.upstream.take(null, 2) as Slot;
  expect(house.upstream.take(null)).toBeNull();
  const adopted = house.upstream.adopt();
  expect(await releaseAll([...slots, double, adopted])).toEqual(Array(6).fill(true));
});

test("a Slot stays with its llama-server, which keeps it free for the next request", async () => {
  const slot = house.upstream.take(null) as Slot;
  await ask(slot, "One?");
  const first = chats();
  const others = takeAll();
  expect(others.length).toBe(3);
  await Promise.all(others.map((each) => ask(each, "Two?")));
  expect(chats()).toEqual([2, 2]);
  await ask(slot, "Something else?");
  expect(chats()).toEqual(first.map((count) => 2 + count));
  await releaseAll([slot, ...others]);
});

test("a request that goes to another llama-server leaves no slot held at the first", async () => {
  const slot = house.upstream.take(null) as Slot;
  for (const server of servers) {
    server.script = (exchange) => {
      refuse(exchange, 500, { message: "out of memory" });
      for (const each of servers) each.script = answer;
    };
  }
  expect((await ask(slot, "Is it?")).finish).toBe("stop");
  expect(chats()).toEqual([1, 1]);
  await slot.release();
  await until(() => {
    const slots = takeAll();
    void releaseAll(slots);
    return slots.length === 4;
  }, "all slots can be taken again");
});

test("a Slot whose request was aborted counts until its slot is idle; releasing it again answers the same", async () => {
  for (const server of servers) server.looks = { ...server.looks, slots: `[{"is_processing":true}]` };
  const slot = house.upstream.take(null) as Slot;
  const abort = new AbortController();
  for (const server of servers) server.script = (exchange) => exchange.begin();
  const asked = ask(slot, "Is it?", abort.signal);
  await until(() => chats().includes(1), "it is asked");
  abort.abort("stopped");
  await expect(asked).rejects.toBe("stopped");
  const released = slot.release();
  const others = takeAll();
  expect(others.length).toBeLessThan(4);
  expect([await released, await slot.release()]).toEqual([false, false]);
  await releaseAll(others);
});
