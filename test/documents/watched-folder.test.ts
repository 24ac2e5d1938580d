// The operator's folder of documents, with real files and the system's notices. If this fails, the search finds
// what was taken away, misses what was put there, or reads half of a file.

import { afterEach, beforeEach, expect, test } from "bun:test";
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { defaultBounds } from "../../src/config/config.ts";
import { Extractor } from "../../src/documents/extractor.ts";
import { searchPassages } from "../../src/documents/search.ts";
import { WatchedFolder } from "../../src/documents/watched-folder.ts";
import { openSqlite } from "../../src/store/sqlite.ts";
import type { Store } from "../../src/store/store.ts";
import { openLog } from "../../src/telemetry/log.ts";
import { until } from "../llama/server.ts";

let store: Store;
let folder: string;
let log: string[];
let bugs: unknown[];
let watched: WatchedFolder;
beforeEach(() => {
  folder = join(mkdtempSync(join(tmpdir(), "parlor-watched-")), "documents");
  store = openSqlite(":memory:");
  log = [];
  bugs = [];
});
afterEach(async () => {
  await watched.stop();
  await store.close();
  expect(bugs).toEqual([]);
});

function follow(wished: Partial<typeof defaultBounds> = {}): void {
  const bounds = { ...defaultBounds, documentsLookMs: 600_000, documentsSettleMs: 50, ...wished };
  watched = new WatchedFolder({
    ...{ folder, store, bounds, extractor: new Extractor(bounds) },
    log: openLog({ level: "debug", format: "json", write: (line) => log.push(line) }),
    bug: (error) => bugs.push(error),
  });
  watched.start();
}
const write = (path: string, content: string) => {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), content);
};
/** `collection/path` of what a question finds. */
async function find(question: string): Promise<readonly string[]> {
  const collections = (await store.collections.reachable(null)).map(({ id }) => id);
  const hits = await searchPassages(store.collections, question, { collections, limit: 9 });
  return hits.map(({ collection, path }) => `${collection}/${path}`).sort();
}
const finds = (question: string, ...paths: string[]) =>
  until(async () => Bun.deepEquals(await find(question), paths), `${question}: ${paths}`);
const names = async () => (await store.collections.reachable(null)).map(({ name }) => name);

test("what is put there, changed and taken away is followed by the system's notices", async () => {
  write("lease/contract.md", "The notice period is three months.");
  write("lease/deep/er/heating.txt", "The heating is read once a year.");
  write("loose.txt", "A file beside the folders has no collection.");
  follow();
  await finds("notice heating", "lease/contract.md", "lease/deep/er/heating.txt");
  expect(await names()).toEqual(["lease"]);
  write("lease/deposit.txt", "The deposit is two rents.");
  await finds("deposit", "lease/deposit.txt");
  write("lease/contract.md", "The notice period is four weeks.");
  await finds("weeks", "lease/contract.md");
  expect(await find("months")).toEqual([]);
  rmSync(join(folder, "lease/deep"), { recursive: true });
  await finds("heating");
  write("garden/mower.txt", "The mower is in the shed.");
  await finds("mower", "garden/mower.txt");
  expect(await names()).toEqual(["garden", "lease"]);
});

test("a folder that is renamed is a collection of its new name; one that vanishes takes its collection", async () => {
  write("lease/contract.md", "The notice period is three months.");
  follow();
  await finds("notice", "lease/contract.md");
  renameSync(join(folder, "lease"), join(folder, "rent"));
  await finds("notice", "rent/contract.md");
  expect(await names()).toEqual(["rent"]);
  rmSync(join(folder, "rent"), { recursive: true });
  await until(async () => (await names()).length === 0, "the collection is gone");
  expect(await find("notice")).toEqual([]);
});

test("a file that is still being written is read once, when it is complete", async () => {
  write("lease/contract.md", "The notice period is three months.");
  follow({ documentsSettleMs: 300 });
  await finds("notice", "lease/contract.md");
  const [lease] = await store.collections.reachable(null);
  let writes = 0;
  const writing = setInterval(() => {
    appendFileSync(join(folder, "lease/long.txt"), `The deposit has line ${writes++}.\n\n`);
  }, 20);
  await until(() => writes === 40, "much of it is written");
  expect(await find("deposit")).toEqual([]);
  clearInterval(writing);
  await finds("deposit", "lease/long.txt");
  const documents = await store.documents.of(lease?.id ?? "");
  expect(documents.map(({ path, state }) => [path, state])).toEqual([
    ["contract.md", "searchable"],
    ["long.txt", "searchable"],
  ]);
  expect(log.filter((line) => line.includes("documents are read in"))).toHaveLength(2);
});

test("a file whose time lies in the future is read when it stays as it is", async () => {
  write("lease/contract.md", "The notice period is three months.");
  utimesSync(join(folder, "lease/contract.md"), new Date("2100-01-01"), new Date("2100-01-01"));
  follow();
  await finds("notice", "lease/contract.md");
});

test("changes without a notice are found at the next look; so is a folder that is made later", async () => {
  const elsewhere = mkdtempSync(join(tmpdir(), "parlor-elsewhere-"));
  writeFileSync(join(elsewhere, "contract.md"), "The notice period is three months.");
  follow({ documentsLookMs: 100 });
  mkdirSync(folder);
  // no notice comes from behind a link
  symlinkSync(elsewhere, join(folder, "lease"));
  await finds("notice", "lease/contract.md");
  writeFileSync(join(elsewhere, "contract.md"), "The deposit is two rents.");
  await finds("deposit", "lease/contract.md");
  expect(await find("notice")).toEqual([]);
  rmSync(folder, { recursive: true });
  mkdirSync(folder);
  await until(async () => (await names()).length === 0, "the collection is gone");
  write("garden/mower.txt", "The mower is in the shed.");
  await finds("mower", "garden/mower.txt");
});

test("nothing is forgotten while the whole folder is away, such as an unmounted disk", async () => {
  write("lease/contract.md", "The notice period is three months.");
  follow({ documentsLookMs: 100 });
  await finds("notice", "lease/contract.md");
  const [before] = await store.collections.reachable(null);
  await watched.stop();
  renameSync(folder, `${folder}-away`);
  follow({ documentsLookMs: 100 });
  expect(await find("notice")).toEqual(["lease/contract.md"]);
  writeFileSync(join(`${folder}-away`, "lease/deposit.txt"), "The deposit is two rents.");
  renameSync(`${folder}-away`, folder);
  await finds("deposit", "lease/deposit.txt");
  expect((await store.collections.reachable(null))[0]?.id).toBe(before?.id as string);
});

test("a file that can't be read is refused with its reason, and logged once", async () => {
  write("lease/broken.pdf", "%PDF-1.7 cut off");
  writeFileSync(join(folder, "lease/picture.png"), new Uint8Array([0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10]));
  follow({ documentsLookMs: 100 });
  await until(async () => {
    const [lease] = await store.collections.reachable(null);
    return lease?.refused === 1;
  }, "it is refused");
  const [lease] = await store.collections.reachable(null);
  expect(await store.documents.of(lease?.id ?? "")).toMatchObject([
    { path: "broken.pdf", state: "refused", failure: { code: "file_unreadable" } },
  ]);
  write("lease/contract.md", "The notice period is three months.");
  await finds("notice", "lease/contract.md");
  expect(log.filter((line) => line.includes("broken.pdf"))).toHaveLength(1);
});

test("a name that another collection of the house has is left alone, and said once", async () => {
  const other = await store.collections.add(null, "lease", "/files/lease");
  write("lease/contract.md", "The notice period is three months.");
  write("garden/mower.txt", "The mower is in the shed.");
  follow({ documentsLookMs: 100 });
  await finds("mower notice", "garden/mower.txt");
  write("garden/hose.txt", "The hose is in the shed.");
  await finds("hose", "garden/hose.txt");
  expect(await store.collections.find(null, "lease")).toEqual(other);
  expect(log.filter((line) => line.includes("name_taken"))).toHaveLength(1);
});
