// The suite that every Bus must pass. An adapter's test file is six lines that call this.

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import type { Bus } from "../../src/bus/bus.ts";
import type { HouseEvent } from "../../src/domain/event.ts";
import { until } from "../llama/server.ts";
import type { Wire } from "../postgres/wire.ts";

const event = (conversation: string, n: number): HouseEvent => ({
  kind: "part",
  ...{ piece: { kind: "text", text: `t${n}` }, at: 0, from: 0, since: null },
  run: "r",
  conversation,
  messageId: "m",
  n,
});

const numberOf = (event: HouseEvent): number => ("n" in event ? event.n : -1);

/** Tests a Bus that `open` makes. */
export function busContract(name: string, open: () => Promise<Bus>): void {
  describe(`Bus: ${name}`, () => {
    let bus: Bus;
    beforeEach(async () => {
      bus = await open();
    });
    afterEach(() => bus.close());

    test("each listener of a conversation gets each event in order; listeners of others get none", async () => {
      const heard: Record<string, number[]> = { one: [], two: [], other: [] };
      bus.subscribe("a", (e) => heard["one"]?.push(numberOf(e)));
      bus.subscribe("a", (e) => heard["two"]?.push(numberOf(e)));
      bus.subscribe("b", (e) => heard["other"]?.push(numberOf(e)));
      for (let n = 0; n < 100; n++) bus.publish("a", event("a", n));
      await until(() => heard["two"]?.length === 100, "all events are heard");
      const all = Array.from({ length: 100 }, (_, n) => n);
      expect(heard).toEqual({ one: all, two: all, other: [] });
    });

    test("an unsubscribed listener gets no more events, even if it unsubscribes within one", async () => {
      const heard: number[] = [];
      const stop = bus.subscribe("a", (e) => {
        heard.push(numberOf(e));
        if (numberOf(e) === 1) stop();
      });
      let last = -1;
      bus.subscribe("a", (e) => {
        last = numberOf(e);
      });
      for (let n = 0; n < 4; n++) bus.publish("a", event("a", n));
      await until(() => last === 3, "the other listener has heard all");
      stop();
      expect(heard).toEqual([0, 1]);
    });

    test("an event without listeners is no error", () => {
      bus.publish("nobody", event("nobody", 0));
    });
  });
}

/** Two Buses of two processes: what one publishes, the other hears. `wire` leads to the second one's server. */
export interface RemoteBuses {
  readonly near: Bus;
  readonly far: Bus;
  /** Of the connections of `far`. */
  readonly wire: Wire;
  /** Ends the server, and starts it again. */
  restart(): Promise<void>;
}

/** Tests a Bus between processes. */
export function remoteBusContract(name: string, open: () => Promise<RemoteBuses>): void {
  describe(`Bus between processes: ${name}`, () => {
    let buses: RemoteBuses;
    beforeEach(async () => {
      buses = await open();
    });
    afterEach(async () => {
      await Promise.all([buses.near.close(), buses.far.close()]);
      buses.wire.close();
    });

    /** What `far` hears of a topic. */
    const listen = (topic = "a") => {
      const heard = { numbers: [] as number[], missed: 0 };
      buses.far.subscribe(
        topic,
        (e) => heard.numbers.push(numberOf(e)),
        () => heard.missed++,
      );
      return heard;
    };
    const isSorted = (numbers: readonly number[]) =>
      numbers.every((n, i) => i === 0 || n > (numbers[i - 1] as number));
    /** Publishes until `heard` has a later event: the way is open. */
    const untilHeard = async (heard: { numbers: number[] }, from: number) => {
      let n = from;
      await until(() => {
        if (heard.numbers.some((each) => each >= from)) return true;
        buses.near.publish("a", event("a", n++));
        return false;
      }, "events come again");
      return n;
    };

    test("events come in order, none twice, and only those of the topic", async () => {
      const [heard, other] = [listen(), listen("b")];
      let missed = 0;
      buses.near.subscribe(
        "a",
        () => {},
        () => missed++,
      );
      for (let n = 0; n < 2_000; n++) buses.near.publish("a", event("a", n));
      await until(() => heard.numbers.length >= 2_000, "all events are heard");
      expect(heard).toEqual({ numbers: Array.from({ length: 2_000 }, (_, n) => n), missed: 0 });
      expect(other).toEqual({ numbers: [], missed: 0 });
      expect(missed).toBe(0);
    });

    test("awkward texts come as they were", async () => {
      const text = "Grüße 🙂 \n\t\u0000\u0001 \" \\ ' $1 東京";
      const heard: HouseEvent[] = [];
      buses.far.subscribe("a", (e) => heard.push(e));
      const said = { ...event("a", 0), piece: { kind: "text", text } } as HouseEvent;
      buses.near.publish("a", said);
      await until(() => heard.length > 0, "it is heard");
      expect(heard).toEqual([said]);
    });

    test("an event that is too large is missed, in its place and in its topic alone", async () => {
      const [heard, other] = [listen(), listen("b")];
      buses.near.publish("a", event("a", 0));
      const text = "x".repeat(300_000);
      buses.near.publish("a", { ...event("a", 1), piece: { kind: "text", text } } as HouseEvent);
      buses.near.publish("a", event("a", 2));
      await until(() => heard.numbers.includes(2), "the next one is heard");
      expect(heard).toEqual({ numbers: [0, 2], missed: 1 });
      expect(other.missed).toBe(0);
    });

    test("a connection that is cut is made anew, and what may be lost is said", async () => {
      const heard = listen();
      const next = await untilHeard(heard, 0);
      buses.wire.cut();
      await until(() => heard.missed > 0, "the loss is said");
      await untilHeard(heard, next);
      expect(isSorted(heard.numbers)).toBe(true);
    });

    test("a connection that is silent is made anew, and what may be lost is said", async () => {
      const heard = listen();
      const next = await untilHeard(heard, 0);
      const before = buses.wire.opened;
      buses.wire.freeze();
      for (let n = 0; n < 10; n++) buses.near.publish("a", event("a", next + n));
      await until(() => buses.wire.opened > before + 1, "other connections are tried");
      buses.wire.thaw();
      await until(() => heard.missed > 0, "the loss is said");
      await untilHeard(heard, next + 100);
      expect(isSorted(heard.numbers)).toBe(true);
    });

    test("who can't send says so when it can again", async () => {
      const heard: number[] = [];
      let missed = 0;
      buses.near.subscribe(
        "a",
        (e) => heard.push(numberOf(e)),
        () => missed++,
      );
      buses.wire.refuse();
      buses.wire.cut();
      buses.far.publish("a", event("a", 0));
      await new Promise((resolve) => setTimeout(resolve, 60));
      expect(heard).toEqual([]);
      buses.wire.accept();
      // an attempt that is under way may succeed after all
      await until(() => missed > 0 || heard.includes(0), "it is heard, or the loss is said");
      buses.far.publish("a", event("a", 1));
      await until(() => heard.includes(1), "events come again");
    });

    test("the server may be started again", async () => {
      const heard = listen();
      const next = await untilHeard(heard, 0);
      await buses.restart();
      await until(() => heard.missed > 0, "the loss is said");
      await untilHeard(heard, next);
      expect(isSorted(heard.numbers)).toBe(true);
    });
  });
}
