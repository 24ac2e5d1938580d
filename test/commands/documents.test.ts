// `parlor index`, `parlor search` and `parlor collection` as scripts use them. If this fails, a script takes a
// failure for a result, or a document steers somebody's terminal.

import { expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openSqlite } from "../../src/store/sqlite.ts";

const home = mkdtempSync(join(tmpdir(), "parlor-commands-"));
const folder = join(home, "house");
mkdirSync(folder);
writeFileSync(
  join(folder, "lease.md"),
  "# Lease\n\nThe notice period is three months.\n\nA \u001b[31mred\u202e line.",
);

function run(...args: string[]): { code: number; out: string; err: string } {
  const { exitCode, stdout, stderr } = Bun.spawnSync(
    [process.execPath, join(import.meta.dir, "../../src/main.ts"), ...args, "--data", join(home, "data")],
    { cwd: home, env: { PATH: process.env["PATH"], HOME: home }, timeout: 60_000 },
  );
  return { code: exitCode, out: stdout.toString(), err: stderr.toString() };
}

test("a folder is read, searched, listed, removed", () => {
  expect(run("search", "notice")).toEqual({
    ...{ code: 1, out: "" },
    err: "parlor: no passage matches; parlor index FOLDER reads documents\n",
  });
  expect(run("index", "house")).toEqual({
    ...{ code: 0, err: "" },
    out:
      "house: 1 documents are read, 0 were unchanged, 0 are forgotten, 0 files are of another kind, 0 could " +
      "not be read\n",
  });
  expect(run("search", "how", "long is the notice period?")).toEqual({
    ...{ code: 0, err: "" },
    out: [
      "1. house/lease.md, page 1, characters 0–61",
      "   Lease",
      "   # Lease",
      "",
      "   The notice period is three months.",
      "",
      "   A [31mred\\u202e line.",
      "",
    ].join("\n"),
  });
  expect(run("search", "elephant")).toEqual({ code: 1, out: "", err: "parlor: no passage matches\n" });
  expect(run("collection", "list").out).toBe(`house\t${folder}\t1 documents\t1 passages\n`);
  expect(run("collection", "remove", "house").code).toBe(0);
  expect(run("collection", "list").out).toBe("");
});

test("what goes wrong is one line and a code", () => {
  expect(run("index", "nowhere")).toMatchObject({
    code: 1,
    err: `parlor: there is no folder ${home}/nowhere\n`,
  });
  expect(run("index")).toMatchObject({ code: 2, err: "parlor: usage: parlor index FOLDER\n" });
  expect(run("index", "a", "b").code).toBe(2);
  expect(run("search").code).toBe(2);
  expect(run("collection", "remove")).toMatchObject({ code: 2, err: expect.stringContaining("usage: ") });
  expect(run("collection", "remove", "nothing").code).toBe(1);
  const other = join(home, "other/house");
  mkdirSync(other, { recursive: true });
  run("index", "house");
  expect(run("index", other)).toMatchObject({ code: 1, err: expect.stringContaining(`read from ${folder}`) });
  writeFileSync(join(folder, "broken.pdf"), "%PDF-1.7 cut off");
  expect(run("index", "house")).toMatchObject({
    code: 0,
    err: expect.stringMatching(/^parlor: broken\.pdf: This file can[^\n]* damaged[^\n]*\n$/),
  });
  rmSync(join(folder, "lease.md"));
  expect(run("index", "house")).toMatchObject({ code: 1, out: "" });
});

test("a person's collections are listed with their name, and removed by it", async () => {
  const store = openSqlite(join(home, "data/parlor.db"));
  const ada = await store.people.add({ name: "Ada", role: "member", password: "hash" });
  await store.collections.add(ada.id, "papers", null);
  await store.collections.add(null, "manual", null);
  await store.close();
  expect(run("collection", "list").out).toEndWith(
    "manual\tof the house\t0 documents\t0 passages\npapers\tof Ada\t0 documents\t0 passages\n",
  );
  expect(run("collection", "remove", "papers").code).toBe(1);
  expect(run("collection", "remove", "papers", "nobody").code).toBe(1);
  expect(run("collection", "remove", "papers", "Ada")).toMatchObject({
    code: 0,
    out: "the collection papers is removed\n",
  });
});
