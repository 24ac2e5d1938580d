// The suite that the collections of every Store must pass.

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { localPerson } from "../../src/domain/account.ts";
import type { Collection, IndexedPassage, PassageTerms, StoredDocument } from "../../src/domain/document.ts";
import type { Store } from "../../src/store/store.ts";
import { putDocument } from "../documents/put.ts";

const words = (text: string): PassageTerms => ({ words: text.split(" "), compounds: [] });
const passage = (text: string, page = 1, terms: Partial<PassageTerms> = {}): IndexedPassage => ({
  ...{ page, start: 3, end: 3 + text.length, headings: ["Lease", "Notice"], text },
  ...words(text),
  ...terms,
});

/** Tests a Store that `open` makes empty. */
export function collectionsContract(name: string, open: () => Promise<Store>): void {
  describe(`collections: ${name}`, () => {
    let store: Store;
    let lease: Collection;
    beforeEach(async () => {
      store = await open();
      lease = await store.collections.add(localPerson, "lease", "/files/lease");
    });
    afterEach(() => store.close());

    const put = (path: string, passages: Iterable<IndexedPassage>, to = lease) =>
      putDocument(store, to.id, { path, hash: `hash of ${path}` }, passages);
    const within = async (person: string, names?: readonly string[]) =>
      (await store.collections.reachable(person))
        .filter(({ name }) => names?.includes(name) ?? true)
        .map(({ id }) => id);
    const search = async (
      terms: string,
      fragments: readonly string[] = [],
      owner = localPerson,
      limit = 10,
    ) =>
      store.collections.search(
        { words: terms.split(" "), fragments },
        { collections: await within(owner), limit },
      );
    const pathsOf = async (...query: Parameters<typeof search>) =>
      (await search(...query)).map(({ path }) => path);

    test("a name is one collection of a person", async () => {
      expect(await store.collections.find(localPerson, "lease")).toEqual(lease);
      expect(await store.collections.find(localPerson, "other")).toBeNull();
      expect(await store.collections.find("somebody", "lease")).toBeNull();
      await expect(store.collections.add(localPerson, "lease", "/other")).rejects.toMatchObject({
        code: "name_taken",
      });
      await store.collections.add("somebody", "lease", "/other");
      await put("a.md", [passage("one"), passage("two")]);
      expect(await store.collections.reachable(localPerson)).toEqual([
        { ...lease, documents: 1, passages: 2, reading: 0, refused: 0 },
      ]);
    });

    test("a search can be of some collections alone", async () => {
      const other = await store.collections.add(localPerson, "other", "/files/other");
      await put("a.md", [passage("notice")]);
      await put("b.md", [passage("notice")], other);
      const query = { words: ["notice"], fragments: [] };
      const of = async (...collections: string[]) =>
        (
          await store.collections.search(query, {
            collections: await within(localPerson, collections),
            limit: 9,
          })
        ).map(({ path }) => path);
      expect(await of("other")).toEqual(["b.md"]);
      expect((await of("lease", "other")).sort()).toEqual(["a.md", "b.md"]);
      expect(await of()).toEqual([]);
      expect(await of("unknown")).toEqual([]);
    });

    test("a passage is found with all that a citation needs, the best first", async () => {
      const id = await put("a.md", [
        passage("notice period is three months", 2),
        passage("heating period", 7),
      ]);
      const hits = await search("notice period unknown");
      expect(hits.map(({ page }) => page)).toEqual([2, 7]);
      const [first, second] = hits;
      expect(first).toEqual({
        ...{ collection: "lease", document: id, path: "a.md", title: null, page: 2, start: 3, end: 32 },
        ...{ headings: ["Lease", "Notice"], text: "notice period is three months" },
        score: expect.any(Number),
      });
      expect(first?.score).toBeGreaterThan(second?.score as number);
      expect(await search("notice period", [], localPerson, 1)).toHaveLength(1);
      expect(await search("unknown")).toEqual([]);
      expect(
        await store.collections.search({ words: [], fragments: [] }, { collections: [lease.id], limit: 5 }),
      ).toEqual([]);
    });

    test("a long word is found by what it begins and ends with", async () => {
      const long = passage("noticeperiod", 1, { compounds: ["noticeperiod"] });
      await put("a.md", [long]);
      for (const fragment of ["notice", "period"])
        expect(await pathsOf(fragment, [fragment])).toEqual(["a.md"]);
      for (const fragment of ["otice", "perio"]) expect(await pathsOf(fragment, [fragment])).toEqual([]);
    });

    test("terms are no language of queries", async () => {
      await put("a.md", [passage("near or not")]);
      for (const term of ['"', "near", "or", "not", "words", "a*", "(", "^x", "-", ":", "c1"])
        expect(await pathsOf(term, [term])).toEqual(["near", "or", "not"].includes(term) ? ["a.md"] : []);
    });

    test("terms that are known are told", async () => {
      await put("a.md", [passage("notice period")]);
      expect(await store.collections.known(["notice", "not", "period", ""])).toEqual(
        new Set(["notice", "period"]),
      );
    });

    test("a passage stands between its neighbours, and a document is found at its path", async () => {
      const all = ["one", "two", "three"].map((text, i) => ({ ...passage(text), start: 10 * i }));
      const id = await put("a.md", all);
      await put("b.md", [passage("other")]);
      const around = async (start: number, page = 1) => {
        const { before, passage: found, after } = (await store.documents.around(id, page, start)) ?? {};
        return [before, found, after].map((each) => each?.text);
      };
      expect(await around(10)).toEqual(["one", "two", "three"]);
      expect(await around(0)).toEqual([undefined, "one", "two"]);
      expect(await around(20)).toEqual(["two", "three", undefined]);
      expect(await store.documents.around(id, 1, 11)).toBeNull();
      expect(await store.documents.around(id, 2, 10)).toBeNull();
      expect(await store.documents.around("unknown", 1, 10)).toBeNull();
      expect(await store.documents.at(lease.id, "a.md")).toMatchObject({ id, hash: "hash of a.md" });
      expect(await store.documents.at(lease.id, "c.md")).toBeNull();
      expect(await store.documents.at("unknown", "a.md")).toBeNull();
      await store.documents.forget(lease.id, "a.md");
      expect(await store.documents.at(lease.id, "a.md")).toBeNull();
      expect(await store.documents.around(id, 1, 10)).toBeNull();
    });

    test("how many passages have a word is known, about", async () => {
      await put("a.md", [passage("notice period"), passage("notice")]);
      const { passages, of } = await store.collections.frequencies(["notice", "period", "unknown"]);
      expect(passages).toBe(2);
      expect([...of]).toEqual([
        ["notice", 2],
        ["period", 1],
      ]);
    });

    test("a document takes the place of the one with its path, when all of it is stored", async () => {
      await put("a.md", [passage("old text")]);
      const growing = function* () {
        for (let i = 0; i < 200; i++) yield passage(`new text ${i}`);
        throw new Error("the reader fails");
      };
      await expect(put("a.md", growing())).rejects.toThrow("the reader fails");
      expect((await search("text")).map(({ text }) => text)).toEqual(["old text"]);
      await put("a.md", [passage("new text")]);
      expect((await search("text")).map(({ text }) => text)).toEqual(["new text"]);
      expect(await store.collections.reachable(localPerson)).toMatchObject([{ documents: 1, passages: 1 }]);
    });

    test("others get their turn while a large document is stored", async () => {
      let isAsked = false;
      const asked = Promise.resolve().then(async () => {
        await store.people.list();
        isAsked = true;
      });
      const passages = function* () {
        for (let i = 0; i < 300; i++) yield passage(`text ${i}`);
        expect(isAsked).toBe(true);
      };
      await put("a.md", passages());
      await asked;
    });

    test("what is forgotten is not found any more", async () => {
      await put("a.md", [passage("notice")]);
      await put("b.md", [passage("notice")]);
      await store.documents.forget(lease.id, "a.md");
      await store.documents.forget(lease.id, "never.md");
      expect((await store.documents.of(lease.id)).map(({ path, hash }) => ({ path, hash }))).toEqual([
        { path: "b.md", hash: "hash of b.md" },
      ]);
      expect(await pathsOf("notice")).toEqual(["b.md"]);
      await store.collections.remove(lease.id);
      expect(await pathsOf("notice")).toEqual([]);
      expect(await store.collections.reachable(localPerson)).toEqual([]);
      await expect(put("a.md", [])).rejects.toMatchObject({ code: "not_found" });
    });

    test("nobody finds what is another's, and an erased person's is gone", async () => {
      const ada = await store.people.add({ name: "Ada", role: "member", password: "hash" });
      const hers = await store.collections.add(ada.id, "lease", "/home/ada");
      await put("hers.md", [passage("notice")], hers);
      await put("mine.md", [passage("notice")]);
      expect(await pathsOf("notice")).toEqual(["mine.md"]);
      expect(await pathsOf("notice", [], ada.id)).toEqual(["hers.md"]);
      await store.people.erase(ada.id);
      expect(await pathsOf("notice", [], ada.id)).toEqual([]);
      expect(await store.collections.reachable(ada.id)).toEqual([]);
    });

    test("the house's collections are within everybody's reach, a person's within theirs alone", async () => {
      const ofHouse = await store.collections.add(null, "lease", null);
      const manual = await store.collections.add(null, "manual", "/files/manual");
      const hers = await store.collections.add("ada", "manual", null);
      const idsOf = async (person: string | null) =>
        (await store.collections.reachable(person)).map(({ id }) => id);
      expect(await idsOf("ada")).toEqual([ofHouse.id, manual.id, hers.id]);
      expect((await idsOf(localPerson)).sort()).toEqual([ofHouse.id, lease.id, manual.id].sort());
      expect(await idsOf(null)).toEqual([ofHouse.id, manual.id]);
      expect(await store.collections.all()).toHaveLength(4);
      const named = await store.collections.named("ada", ["lease", "manual", "nothing"]);
      expect(named.map((found) => found?.id ?? null)).toEqual([ofHouse.id, manual.id, null]);
      await store.collections.remove(manual.id);
      expect((await store.collections.named("ada", ["manual"]))[0]).toEqual(hers);
      expect((await store.collections.named("bob", ["manual"]))[0]).toBeNull();
      expect(await store.collections.collection(hers.id)).toEqual(hers);
      expect(await store.collections.collection(manual.id)).toBeNull();
    });

    test("a document is being read, then searchable or refused, and says what is known of it", async () => {
      const head = { path: "a.pdf", hash: "1f", bytes: 70, file: null };
      const id = await store.documents.begin(lease.id, head);
      const begun: StoredDocument = {
        ...{ ...head, id, collection: lease.id, state: "reading", title: null, failure: null },
        ...{ pages: 0, picturePages: [], passages: 0 },
      };
      expect(await store.documents.of(lease.id)).toEqual([begun]);
      const facts = { title: "Lease", pages: 9, picturePages: [3, 4] };
      expect(await store.documents.fill(id, facts, [passage("notice", 1), passage("period", 2)])).toBe(true);
      const read: StoredDocument = { ...begun, ...facts, state: "searchable", passages: 2 };
      expect(await store.documents.document(id)).toEqual(read);
      expect(await store.documents.passages(id, 1, 5)).toMatchObject([{ page: 2, text: "period" }]);
      const again = await store.documents.begin(lease.id, { ...head, hash: "2f" });
      expect(await store.documents.of(lease.id)).toEqual([read]);
      const failure = { code: "file_locked", facts: { name: "a.pdf" } } as const;
      await store.documents.refuse(again, failure);
      expect(await store.documents.of(lease.id)).toEqual([
        { ...begun, id: again, hash: "2f", state: "refused", failure },
      ]);
      expect(await pathsOf("notice")).toEqual([]);
      expect(await store.documents.document(id)).toBeNull();
    });

    test("a document that was removed or begun anew while it is read is not stored", async () => {
      const begin = () => store.documents.begin(lease.id, { path: "a.md", hash: "1f", bytes: 7, file: null });
      const facts = { title: null, pages: 1, picturePages: [] };
      const first = await begin();
      const second = await begin();
      expect(await store.documents.fill(first, facts, [passage("notice")])).toBe(false);
      await store.documents.forget(lease.id, "a.md");
      expect(await store.documents.fill(second, facts, [passage("notice")])).toBe(false);
      const third = await begin();
      await store.documents.abandon(lease.id);
      expect(await store.documents.fill(third, facts, [])).toBe(false);
      const fourth = await begin();
      await store.collections.remove(lease.id);
      expect(await store.documents.fill(fourth, facts, [passage("notice")])).toBe(false);
      expect(await store.documents.next()).toBeNull();
    });

    test("a document is read again from its beginning when a process ended in the middle", async () => {
      const id = await store.documents.begin(lease.id, { path: "a.md", hash: "1f", bytes: 7, file: "f" });
      const cut = function* () {
        for (let i = 0; i < 100; i++) yield passage(`text ${i}`);
        throw new Error("the process ends");
      };
      const facts = { title: null, pages: 1, picturePages: [] };
      await expect(store.documents.fill(id, facts, cut())).rejects.toThrow("the process ends");
      expect((await store.documents.next())?.id).toBe(id);
      await store.documents.fill(id, facts, [passage("text")]);
      expect(await search("text")).toHaveLength(1);
      expect(await store.documents.passages(id, 0, 200)).toHaveLength(1);
      expect(await store.documents.next()).toBeNull();
    });
  });
}
