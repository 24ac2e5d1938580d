// Many passages that are removed at once. If this fails, everybody waits while one person's documents are erased,
// or they can still be read in the file.
// Promises: X7.

import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { IndexedPassage } from "../../src/domain/document.ts";
import { check } from "../../src/store/file.ts";
import { openSqlite } from "../../src/store/sqlite.ts";
import { putDocument } from "../documents/put.ts";
import { until } from "../llama/server.ts";

const fresh = () => join(mkdtempSync(join(tmpdir(), "parlor-erased-")), "parlor.db");
function* passages(count: number, word: string): Generator<IndexedPassage> {
  for (let i = 0; i < count; i++) {
    const words = Array.from({ length: 40 }, (_, n) => `${word}${(i * 31 + n * 7) % 997}`);
    const text = words.join(" ");
    yield { ...{ page: 1, start: 0, end: text.length, headings: [], text }, words, compounds: [] };
  }
}
const isForgotten = (db: Database) =>
  db.query("select 1 from settings where name = 'forgetting'").get() === null;

test("the documents of an erased person go in small steps, and leave no byte", async () => {
  const file = fresh();
  const store = openSqlite(file);
  const ada = await store.people.add({ name: "Ada", role: "member", password: "hash" });
  const hers = await store.collections.add(ada.id, "hers", null);
  const ofHouse = await store.collections.add(null, "manual", null);
  await putDocument(store, hers.id, { path: "a.md", hash: "1f" }, passages(9_000, "zwiebel"));
  await putDocument(store, ofHouse.id, { path: "b.md", hash: "2f" }, passages(500, "butter"));
  const db = new Database(file, { readonly: true });
  let [last, longestMs] = [performance.now(), 0];
  const turns = setInterval(() => {
    longestMs = Math.max(longestMs, performance.now() - last);
    last = performance.now();
  }, 0);
  await store.people.erase(ada.id);
  expect(await store.collections.collection(hers.id)).toBeNull();
  await until(() => isForgotten(db), "everything is erased");
  clearInterval(turns);
  db.close();
  expect(longestMs).toBeLessThan(250);
  const search = (word: string) =>
    store.collections.search(
      { words: [word], fragments: [] },
      { collections: [hers.id, ofHouse.id], limit: 1 },
    );
  expect(await search("zwiebel31")).toEqual([]);
  expect(await search("butter31")).toHaveLength(1);
  await store.close();
  expect(check(file)).toEqual([]);
  const bytes = readFileSync(file, "latin1");
  expect([bytes.includes("zwiebel"), bytes.includes("butter")]).toEqual([false, true]);
});

test("what a process leaves of it, the next one erases", async () => {
  const file = fresh();
  const store = openSqlite(file);
  const lease = await store.collections.add(null, "lease", null);
  await putDocument(store, lease.id, { path: "a.md", hash: "1f" }, passages(200, "zwiebel"));
  await store.close();
  const db = new Database(file);
  db.run("update collections set is_lost = 1, owner = id, name = '', folder = ''");
  db.run("insert into settings (name, value) values ('forgetting', '')");
  db.close();
  await openSqlite(file).close();
  expect(readFileSync(file, "latin1").includes("zwiebel")).toBe(false);
});
