// The second half of the suite that every Store must pass: people, sessions, invitations, links, what was
// used, what was set.
// Promises: L1.

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { localPerson, nextMidnight, standardLimits } from "../../src/domain/account.ts";
import { Failure } from "../../src/domain/failure.ts";
import { newId } from "../../src/domain/id.ts";
import type { Ending, QueuedRun, Store } from "../../src/store/store.ts";
import { doneEnding } from "./ending.ts";

const dayMs = 24 * 3_600_000;
const done: Ending = {
  ...doneEnding,
  stats: { promptTokens: 30, cachedTokens: 10, outputTokens: 5 },
  tokens: 25,
};

/** Tests a Store that `open` makes empty. */
export function accountsContract(name: string, open: () => Promise<Store>): void {
  describe(`accounts: ${name}`, () => {
    let store: Store;
    beforeEach(async () => {
      store = await open();
    });
    afterEach(() => store.close());

    const add = (named: string, role: "admin" | "member" | "guest" = "member") =>
      store.people.add({ name: named, role, password: "hash" });
    const say = async (
      owner: string,
      limits: Partial<typeof standardLimits.admin> = {},
      conversation = newId(),
    ): Promise<QueuedRun> =>
      (await store.say({
        owner,
        conversation,
        message: newId(),
        text: "question",
        queueMaxRuns: 10,
        limits: { ...standardLimits.admin, ...limits },
      })) as QueuedRun;
    const failureOf = (work: Promise<unknown>): Promise<Failure | null> =>
      work.then(
        () => null,
        (error: unknown) => {
          if (error instanceof Failure) return error;
          throw error;
        },
      );
    const codeOf = async (work: Promise<unknown>): Promise<string> => (await failureOf(work))?.code ?? "none";
    const sessionFor = (person: string, hash: string, expiresAt = Date.now() + 1000) =>
      store.sessions.open(hash, { person, address: "a", agent: "b", expiresAt });

    test("at first there is one person, an admin who can't sign in", async () => {
      expect(await store.people.list()).toMatchObject([
        { id: localPerson, role: "admin", hasPassword: false, conversations: 0 },
      ]);
      expect(await store.people.isClaimed()).toBe(false);
    });

    test("names are unique but for case; limits are the role's but where they differ", async () => {
      const ada = await add("Ada");
      expect(await codeOf(add("ADA"))).toBe("name_taken");
      expect(await store.people.named("aDA")).toEqual(ada);
      expect(ada.limits).toEqual(standardLimits.member);
      const guest = await store.people.change(ada.id, { role: "guest", ownLimits: { tokensPerDay: 7 } });
      expect(guest.limits).toEqual({ ...standardLimits.guest, tokensPerDay: 7 });
      await store.people.setRoleLimits("guest", { ...standardLimits.guest, weight: 3 });
      expect((await store.people.person(ada.id))?.limits.weight).toBe(3);
      expect((await store.people.roleLimits()).guest.weight).toBe(3);
    });

    test("lists, searches and ids are a person's own; nobody writes into another's conversation", async () => {
      const [ada, ben] = [await add("Ada"), await add("Ben")];
      const { run, question } = await say(ada.id);
      const other = await say(ben.id);
      expect((await store.list({ owner: ada.id, limit: 10 })).map(({ id }) => id)).toEqual([
        run.conversation,
      ]);
      expect(
        (await store.search(ben.id, "question", 10)).map(({ conversation }) => conversation),
      ).not.toContain(run.conversation);
      expect(await store.ids({ owner: ada.id })).toEqual([run.conversation]);
      expect([await store.ownerOf(run.conversation), await store.ownerOf(newId())]).toEqual([ada.id, null]);
      expect(await codeOf(say(ben.id, {}, run.conversation))).toBe("not_found");
      const [limits, message] = [standardLimits.admin, question?.id as string];
      const edit = {
        owner: ben.id,
        conversation: other.run.conversation,
        message: newId(),
        text: "x",
        edits: message,
        queueMaxRuns: 10,
        limits,
      };
      await store.end(other.run.id, done);
      expect(await codeOf(store.say(edit))).toBe("not_found");
    });

    test("a search finds somebody's own however many others have the same words", async () => {
      const ada = await add("Ada");
      for (let i = 0; i < 60; i++)
        await say(localPerson, {}, newId()).then(({ run }) => store.end(run.id, done));
      const { run } = await say(ada.id);
      expect(
        (await store.search(ada.id, "question", 5)).some(
          ({ conversation }) => conversation === run.conversation,
        ),
      ).toBe(true);
    });

    test("a session holds until it expires, is ended, or its person is removed", async () => {
      const ada = await add("Ada");
      const one = await sessionFor(ada.id, "h1");
      await sessionFor(ada.id, "h2");
      await sessionFor(ada.id, "old", Date.now() - 1);
      expect([
        (await store.sessions.find("h1"))?.person.id,
        await store.sessions.find("old"),
        await store.sessions.find("none"),
      ]).toEqual([ada.id, null, null]);
      await store.sessions.end(one.id);
      expect(await store.sessions.find("h1")).toBeNull();
      await sessionFor(ada.id, "h3");
      await store.sessions.endAll(ada.id, "h3");
      expect([await store.sessions.find("h2"), (await store.sessions.find("h3"))?.person.name]).toEqual([
        null,
        "Ada",
      ]);
      await store.people.change(ada.id, { removed: true });
      expect(await store.sessions.find("h3")).toBeNull();
      await store.people.change(ada.id, { removed: false });
      expect(await store.sessions.find("h3")).toBeNull();
    });

    test("whoever watches hears of every change of what people may do", async () => {
      let heard = 0;
      const unwatch = store.people.watch(() => heard++);
      const ada = await add("Ada");
      await store.people.change(ada.id, { role: "guest" });
      await store.sessions.endAll(ada.id);
      expect(heard).toBe(3);
      unwatch();
      await store.people.erase(ada.id);
      expect(heard).toBe(3);
    });

    test("a key is found by its hash until it is revoked or its owner removed; it has one owner", async () => {
      const [ada, eve] = [
        await store.people.add({ name: "Ada", role: "member", password: null }),
        await store.people.add({ name: "Eve", role: "member", password: null }),
      ];
      const key = await store.keys.add("hash", { person: ada.id, name: "script", scopes: ["answers"] });
      expect(await store.keys.find("hash")).toMatchObject({
        key: { id: key.id, name: "script", scopes: ["answers"], seenAt: null },
        person: { id: ada.id },
      });
      expect(await store.keys.find("other")).toBeNull();
      await store.keys.used("hash");
      expect((await store.keys.of(ada.id))[0]?.seenAt).toBeGreaterThan(0);
      expect(await store.keys.of(eve.id)).toEqual([]);
      expect([
        await store.keys.revoke(eve.id, key.id),
        await store.keys.revoke(ada.id, key.id),
        await store.keys.revoke(ada.id, key.id),
      ]).toEqual([false, true, false]);
      expect(await store.keys.find("hash")).toBeNull();
      await store.keys.add("gone", { person: eve.id, name: "n", scopes: [] });
      await store.people.change(eve.id, { removed: true });
      expect(await store.keys.find("gone")).toBeNull();
      await store.people.erase(eve.id);
      expect(await store.keys.of(eve.id)).toEqual([]);
    });

    test("an invitation makes one account until it expires, or sets a person's password", async () => {
      const invitation = { role: "guest", person: null, expiresAt: Date.now() + 1000 } as const;
      await store.sessions.invite("a", invitation);
      await store.sessions.invite("late", { ...invitation, expiresAt: Date.now() - 1 });
      expect([(await store.sessions.invitation("a"))?.role, await store.sessions.invitation("late")]).toEqual(
        ["guest", null],
      );
      const ada = await store.sessions.accept("a", { name: "Ada", password: "p" });
      expect(ada).toMatchObject({ name: "Ada", role: "guest" });
      expect([
        await store.people.passwordOf(ada.id),
        await codeOf(store.sessions.accept("a", { name: "Eve", password: "p" })),
      ]).toEqual(["p", "not_found"]);
      await sessionFor(ada.id, "h");
      await store.sessions.invite("b", { ...invitation, person: ada.id });
      await store.sessions.invite("c", { ...invitation, person: ada.id });
      expect(await store.sessions.invitation("b")).toBeNull();
      expect(await store.sessions.accept("c", { name: "other", password: "q" })).toMatchObject({
        id: ada.id,
        name: "Ada",
      });
      expect([await store.people.passwordOf(ada.id), await store.sessions.find("h")]).toEqual(["q", null]);
    });

    test("a name that is taken leaves the invitation as it was", async () => {
      await add("Ada");
      await store.sessions.invite("a", { role: "member", person: null, expiresAt: Date.now() + 1000 });
      expect(await codeOf(store.sessions.accept("a", { name: "ada", password: "p" }))).toBe("name_taken");
      expect(await store.sessions.accept("a", { name: "Ben", password: "p" })).toMatchObject({ name: "Ben" });
    });

    test("the first admin takes over what the local person has", async () => {
      const { run } = await say(localPerson);
      await store.sessions.invite("a", { role: "admin", person: localPerson, expiresAt: Date.now() + 1000 });
      const first = await store.sessions.accept("a", { name: "Ada", password: "p" });
      expect(first).toMatchObject({ id: localPerson, name: "Ada", role: "admin" });
      expect([await store.people.isClaimed(), await store.ownerOf(run.conversation)]).toEqual([
        true,
        localPerson,
      ]);
    });

    test("the last admin can't be removed, made less or erased", async () => {
      const ada = await add("Ada", "admin");
      for (const work of [
        () => store.people.change(ada.id, { role: "member" }),
        () => store.people.change(ada.id, { removed: true }),
        () => store.people.erase(ada.id),
      ]) {
        expect(await codeOf(work())).toBe("last_admin");
      }
      await add("Ben", "admin");
      expect(await store.people.change(ada.id, { role: "member" })).toMatchObject({ role: "member" });
      // one who comes by a proxy has no password, and is an admin all the same
      const ben = (await store.people.named("Ben"))?.id as string;
      expect(await codeOf(store.people.change(ben, { removed: true }))).toBe("last_admin");
      await store.people.add({ name: "Cleo", role: "admin", password: null });
      expect(await codeOf(store.people.change(ben, { removed: true }))).toBe("none");
    });

    test("erasing leaves nothing of a person", async () => {
      const ada = await add("Ada");
      const { run } = await say(ada.id, { runsPerMinute: 5 });
      await store.end(run.id, done);
      await sessionFor(ada.id, "h");
      const link = { token: newId(), conversation: run.conversation, createdAt: 1, expiresAt: null };
      await store.links.add(link);
      await store.usage.keepShares({ floor: 0, had: new Map([[ada.id, 5]]) });
      await store.people.erase(ada.id);
      expect([
        await store.people.person(ada.id),
        await store.ownerOf(run.conversation),
        await store.links.find(link.token),
      ]).toEqual([null, null, null]);
      expect([
        await store.sessions.find("h"),
        await store.usage.today(ada.id),
        (await store.usage.shares()).had.size,
      ]).toEqual([null, { tokens: 0, runs: 0 }, 0]);
      expect(await store.search(ada.id, "question", 10)).toEqual([]);
    });

    test("a link holds until it expires, is revoked, or its conversation is deleted", async () => {
      const { run } = await say(localPerson);
      await store.end(run.id, done);
      const link = { conversation: run.conversation, createdAt: 1, expiresAt: null };
      const [open1, late] = [
        { ...link, token: newId() },
        { ...link, token: newId(), expiresAt: Date.now() - 1 },
      ];
      await store.links.add(open1);
      await store.links.add(late);
      expect([await store.links.find(open1.token), await store.links.find(late.token)]).toEqual([
        open1,
        null,
      ]);
      expect(await store.links.of(run.conversation)).toEqual([open1]);
      await store.remove(run.conversation);
      expect(await store.links.find(open1.token)).toBeNull();
      await store.restore(run.conversation);
      expect([
        await store.links.remove(newId(), open1.token),
        await store.links.remove(run.conversation, open1.token),
      ]).toEqual([false, true]);
      expect(await store.links.find(open1.token)).toBeNull();
    });

    test("a bucket gives what it has, then says when there is more", async () => {
      const bucket = { capacity: 2, everyMs: 60_000 };
      expect([await store.usage.take("a", bucket), await store.usage.take("a", bucket)]).toEqual([0, 0]);
      const waitMs = await store.usage.take("a", bucket);
      expect(waitMs).toBeGreaterThan(50_000);
      expect(waitMs).toBeLessThanOrEqual(60_000);
      expect([await store.usage.take("b", bucket), Math.floor(await store.usage.level("b", bucket))]).toEqual(
        [0, 1],
      );
    });

    test("Runs a minute, tokens a day and waiting Runs have limits; a refusal stores nothing", async () => {
      const ada = await add("Ada");
      const limits = { runsPerMinute: 2 };
      const first = await say(ada.id, limits);
      const second = await say(ada.id, limits);
      const conversation = newId();
      const refused = await failureOf(say(ada.id, limits, conversation));
      expect(refused).toMatchObject({ code: "runs_limit", facts: { limit: 2 } });
      expect(Number(refused?.facts["seconds"])).toBeLessThanOrEqual(30);
      expect(await store.ownerOf(conversation)).toBeNull();
      expect(await codeOf(say(ada.id, { waitingRunsMax: 2 }))).toBe("too_many_waiting");
      for (const { run } of [first, second]) await store.end(run.id, done);
      expect(await store.usage.today(ada.id)).toEqual({ tokens: 50, runs: 2 });
      const spent = await failureOf(say(ada.id, { tokensPerDay: 50 }));
      expect(spent).toMatchObject({ code: "tokens_limit", facts: { tokens: 50, limit: 50 } });
      expect(
        Math.abs(Number(spent?.facts["seconds"]) - (nextMidnight(Date.now()) - Date.now()) / 1000),
      ).toBeLessThan(5);
      expect(await codeOf(say(ada.id, { tokensPerDay: 51 }))).toBe("none");
      expect(await codeOf(say(localPerson, { tokensPerDay: 50 }))).toBe("none");
    });

    test("shares are kept; who has had no more than a newcomer is forgotten", async () => {
      await store.usage.keepShares({ floor: 0, had: new Map([["a", 10.5], ["b", 20]]) }); // biome-ignore format: a table
      await store.usage.keepShares({ floor: 12, had: new Map([["c", 30]]) });
      expect(await store.usage.shares()).toEqual({
        floor: 12,
        had: new Map(Object.entries({ b: 20, c: 30 })),
      });
    });

    test("conversations outlive their time by their owner's role, or by what was set for them", async () => {
      const [guest, member] = [await add("Guest", "guest"), await add("Member")];
      const [a, b] = [await say(guest.id), await say(member.id)];
      const idle = await say(guest.id);
      for (const { run } of [a, b]) await store.end(run.id, done);
      expect(await store.retention.outlived(Date.now() + 29 * dayMs)).toEqual([]);
      expect(await store.retention.outlived(Date.now() + 31 * dayMs)).toEqual([a.run.conversation]);
      await store.people.change(member.id, { ownLimits: { retainDays: 1 } });
      expect(new Set(await store.retention.outlived(Date.now() + 31 * dayMs))).toEqual(
        new Set([a.run.conversation, b.run.conversation]),
      );
      await store.end(idle.run.id, done);
      expect((await store.retention.outlived(Date.now() + 31 * dayMs)).length).toBe(3);
    });

    test("settings and acts are kept; what has expired is forgotten", async () => {
      expect(await store.settings.get("enforcedPersona")).toBeNull();
      await store.settings.set("enforcedPersona", "x");
      expect(await store.settings.get("enforcedPersona")).toBe("x");
      await store.settings.set("enforcedPersona", null);
      expect(await store.settings.get("enforcedPersona")).toBeNull();
      await store.audit.note({ actor: localPerson, act: "signed_in", address: "1" });
      await store.audit.note({ actor: null, act: "sign_in_refused" });
      expect((await store.audit.latest(10)).map(({ act, actor }) => [act, actor])).toEqual([
        ["sign_in_refused", null],
        ["signed_in", localPerson],
      ]);
      await sessionFor(localPerson, "old", Date.now() - 1);
      await store.retention.tidy(Date.now() + 401 * dayMs);
      expect(await store.audit.latest(10)).toEqual([]);
    });

    test("failed Runs are listed for the operator, newest first", async () => {
      const { run } = await say(localPerson);
      await store.end(run.id, { ...done, status: "failed", failure: { code: "upstream_cut", facts: {} } });
      expect(await store.audit.failedRuns(5)).toMatchObject([
        { run: run.id, owner: localPerson, failure: { code: "upstream_cut" } },
      ]);
    });
  });
}
