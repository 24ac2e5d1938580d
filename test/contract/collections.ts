// The suite that the collections of every Store must pass.

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { localPerson } from "../../src/domain/account.ts";
import type { Collection, IndexedPassage, PassageTerms } from "../../src/domain/document.ts";
import type { Store } from "../../src/store/store.ts";

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
      store.collections.put(to.id, { path, hash: `hash of ${path}`, title: null }, passages);
    const search = async (
      terms: string,
      fragments: readonly string[] = [],
      owner = localPerson,
      limit = 10,
    ) => store.collections.search({ words: terms.split(" "), fragments }, { owner, limit });
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
      expect(await store.collections.list(localPerson)).toEqual([{ ...lease, documents: 1, passages: 2 }]);
    });

    test("a search can be of some collections alone", async () => {
      const other = await store.collections.add(localPerson, "other", "/files/other");
      await put("a.md", [passage("notice")]);
      await put("b.md", [passage("notice")], other);
      const query = { words: ["notice"], fragments: [] };
      const of = async (...collections: string[]) =>
        (await store.collections.search(query, { owner: localPerson, collections, limit: 9 })).map(
          ({ path }) => path,
        );
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
        await store.collections.search({ words: [], fragments: [] }, { owner: localPerson, limit: 5 }),
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
      expect(await store.collections.list(localPerson)).toMatchObject([{ documents: 1, passages: 1 }]);
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
      await store.collections.forget(lease.id, "a.md");
      await store.collections.forget(lease.id, "never.md");
      expect(await store.collections.documents(lease.id)).toEqual([{ path: "b.md", hash: "hash of b.md" }]);
      expect(await pathsOf("notice")).toEqual(["b.md"]);
      await store.collections.remove(lease.id);
      expect(await pathsOf("notice")).toEqual([]);
      expect(await store.collections.list(localPerson)).toEqual([]);
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
      expect(await store.collections.list(ada.id)).toEqual([]);
    });
  });
}
