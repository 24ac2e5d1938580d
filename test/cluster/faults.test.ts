// Several parlors as one house, in the browser, while processes, the database and the Bus break in mid-answer.
// If this fails, people lose text, see it twice, or wait for an answer that nobody writes any more.

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import type { Page } from "playwright-core";
import { answered, ask, grownBeyond, visit, withPages } from "../e2e/stage.ts";
import { until } from "../llama/server.ts";
import {
  conversationOf,
  type House,
  type Leading,
  leaseMs,
  type Process,
  startHouse,
  storedText,
} from "./house.ts";

const open = withPages();
/** Longest time in which a page shows no more text, in ms: a lease, and the takeover. */
const silenceMaxMs = 2 * leaseMs;

/** Measures in the page for how long the text of the last answer stood still while it was written. */
async function watchSilence(page: Page): Promise<() => Promise<number>> {
  await page.evaluate(() => {
    const watch = window as unknown as { longest: number };
    let [last, size] = [performance.now(), 0];
    watch.longest = 0;
    setInterval(() => {
      const article = [...document.querySelectorAll('article[data-role="assistant"]')].at(-1);
      const now = article?.querySelector(":scope > .text")?.textContent?.length ?? 0;
      if (article?.getAttribute("data-status") === "done") return;
      if (now > size) [last, size] = [performance.now(), now];
      else watch.longest = Math.max(watch.longest, performance.now() - last);
    }, 20);
  });
  return () => page.evaluate(() => (window as unknown as { longest: number }).longest);
}

/** The status of the last answer, as a page shows it. */
const statusOf = (page: Page) =>
  page.locator('article[data-role="assistant"]').last().getAttribute("data-status");

interface Fault {
  readonly name: string;
  /** Where it is tried: with events over Redis, over PostgreSQL, or both. */
  readonly bus?: "redis" | "both";
  /** How the leader ends, after another has followed it. Absent: it goes on. */
  readonly leaderEnds?: { readonly exitCode?: number; readonly signalCode?: NodeJS.Signals };
  /** Breaks something; returns what mends it. */
  make(house: House, leader: Process, follower: Process): Promise<(() => Promise<void>) | undefined>;
}

/** Exit code of a process that was deposed. */
const deposed = { exitCode: 75 };

const faults: readonly Fault[] = [
  {
    name: "the leader is killed",
    bus: "both",
    leaderEnds: { signalCode: "SIGKILL" },
    make: async (_, leader) => {
      leader.kill("SIGKILL");
      return undefined;
    },
  },
  {
    name: "the leader is asked to end, as for an upgrade",
    leaderEnds: { exitCode: 0 },
    make: async (_, leader) => {
      leader.kill("SIGTERM");
      return undefined;
    },
  },
  {
    name: "the leader stands still, and wakes up when another leads",
    leaderEnds: deposed,
    make: async (_, leader) => {
      leader.kill("SIGSTOP");
      return async () => leader.kill("SIGCONT");
    },
  },
  {
    name: "the leader is cut off from the database, without a word",
    leaderEnds: deposed,
    make: async (_, leader) => {
      leader.wire.freeze();
      return async () => leader.wire.thaw();
    },
  },
  {
    name: "the database refuses the leader",
    leaderEnds: deposed,
    make: async (_, leader) => {
      leader.wire.refuse();
      leader.wire.cut();
      return async () => leader.wire.accept();
    },
  },
  {
    name: "a follower is killed",
    make: async (_house, _leader, follower) => {
      follower.kill("SIGKILL");
      return undefined;
    },
  },
  {
    name: "the database is restarted",
    make: async ({ postgres }) => {
      await postgres.stop("fast");
      await postgres.start();
      return undefined;
    },
  },
  {
    name: "the database is away while the answer ends",
    make: async ({ postgres, llamas }) => {
      await postgres.stop("fast");
      const busy = async () => (await Promise.all(llamas.map((llama) => llama.busySlots()))).some(Boolean);
      await until(async () => !(await busy()), "llama-server has written it");
      await postgres.start();
      return undefined;
    },
  },
  {
    name: "Redis is paused for a second",
    bus: "redis",
    make: async ({ redis }) => {
      await redis?.pause(1_000);
      return undefined;
    },
  },
];

for (const withRedis of [false, true])
  describe(withRedis ? "events over Redis" : "events over PostgreSQL", () => {
    let house: House;
    /** The answer, while nothing breaks: as it is stored, and as it is shown. */
    let whole: { readonly text: string; readonly shown: string };
    beforeAll(async () => {
      house = await startHouse({ redis: withRedis });
      const [at] = house.processes as [Process];
      const { page, close } = await visit(at.url);
      await ask(page, "endless");
      const shown = await answered(page);
      whole = { text: await storedText(at, conversationOf(page)), shown };
      await close();
    }, 180_000);
    beforeEach(() => house.whole());
    afterEach(() => house.whole());
    afterAll(() => house?.close());

    for (const fault of faults.filter(({ bus }) => bus === "both" || (bus === "redis") === withRedis))
      test(`${fault.name} in mid-answer: pages at each process show one answer, whole and once`, async () => {
        const { followers } = (await house.leader()) as Leading;
        const [first, second] = followers as [Process, Process];
        const asking = await open(first.through);
        await ask(asking.page, "endless");
        await grownBeyond(asking.page, 200);
        const conversation = conversationOf(asking.page);
        const others = house.processes.filter((each) => each !== first);
        const reading = await Promise.all(others.map(({ through }) => open(`${through}/c/${conversation}`)));
        const pages = [asking, ...reading].map(({ page }) => page);
        const silences = await Promise.all(pages.map(watchSilence));
        const { leader } = (await house.leader()) as Leading;
        const broken = leader.parlor.process;
        const brokenAt = performance.now();
        const mend = await fault.make(house, leader, first);
        const awayMs = performance.now() - brokenAt;
        expect(await statusOf(asking.page)).not.toBe("done"); // in mid-answer, indeed
        if (fault.leaderEnds) {
          await house.leaderAfter(leader);
          await mend?.();
        }
        const shown = await Promise.all(pages.map((page) => answered(page)));
        expect(shown).toEqual(pages.map(() => whole.shown));
        for (const each of [second, first].filter(({ isAlive }) => isAlive))
          expect(await storedText(each, conversation)).toBe(whole.text);
        const longest = Math.max(...(await Promise.all(silences.map((silence) => silence()))));
        console.log(
          `${fault.name}${withRedis ? " (Redis)" : ""}: longest silence ${Math.round(longest)} ms, lease ${leaseMs} ms`,
        );
        expect(longest).toBeLessThan(silenceMaxMs + awayMs);
        if (fault.leaderEnds) {
          await broken.exited;
          const { exitCode, signalCode } = broken;
          expect({ exitCode, signalCode }).toMatchObject(fault.leaderEnds);
        } else expect(broken.exitCode).toBeNull();
      }, 180_000);
  });
