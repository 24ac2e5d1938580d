// The suite that every Bus must pass. An adapter's test file is six lines that call this.

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import type { Bus } from "../../src/bus/bus.ts";
import type { HouseEvent } from "../../src/domain/event.ts";
import { until } from "../llama/server.ts";

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
