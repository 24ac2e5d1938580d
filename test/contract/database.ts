// What every database must do behind the port: transactions, results of statements, announcements.

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { all, announce, change, type Database, one, perform, type Work } from "../../src/store/database.ts";
import { until } from "../llama/server.ts";

const setting = (name: string): Work<{ value: string } | null> =>
  one("select value from settings where name = ?", name);
const set = (name: string, value: string): Work<number> =>
  change(
    "insert into settings (name, value) values (?, ?) on conflict (name) do update set value = excluded.value",
    name,
    value,
  );

export function databaseContract(engine: string, open: () => Promise<Database>): void {
  describe(`database: ${engine}`, () => {
    let database: Database;
    beforeEach(async () => {
      database = await open();
    });
    afterEach(() => database.close());

    const stored = async (name: string) => (await database.read(() => setting(name)))?.value ?? null;

    test("a statement has one row or none, all rows, or the number of rows that it changed", async () => {
      await database.write(function* () {
        expect(yield* set("a", "1")).toBe(1);
        expect(yield* set("b", "2")).toBe(1);
        expect(yield* change("update settings set value = ? where name = ?", "3", "c")).toBe(0);
        expect(yield* change("update settings set value = ?", "4")).toBe(2);
      });
      await database.read(function* () {
        expect(yield* setting("a")).toEqual({ value: "4" });
        expect(yield* setting("c")).toBeNull();
        expect(yield* all("select name from settings order by name")).toEqual([{ name: "a" }, { name: "b" }]);
        expect(yield* all("select name from settings where name = 'c'")).toEqual([]);
        expect(yield* one("select count(*) as n, max(value) as value from settings")).toEqual({
          n: 2,
          value: "4",
        });
      });
    });

    test("values come back as they were: texts, numbers, bytes, null", async () => {
      const text = "Grüße, 東京 🙂, 'quoted' \"twice\" $1 ?1\n";
      const bytes = new Uint8Array([0, 255, 1]);
      const row = await database.write(function* () {
        const seq = yield* one<{ seq: number }>(
          `insert into contents (hash, type, media_type, bytes, created_at) values (?1, ?2, ?2, ?3, ?3)
           returning seq`,
          null,
          text,
          Number.MAX_SAFE_INTEGER,
        );
        const sql = "insert into content_pieces (content, n, data) values (?, 0, ?)";
        yield* change(sql, seq?.seq as number, bytes);
        return yield* one<{ data: Uint8Array; [column: string]: unknown }>(
          `select c.hash, c.type, c.media_type, c.bytes, c.created_at, p.data
           from contents c join content_pieces p on p.content = c.seq`,
        );
      });
      const most = Number.MAX_SAFE_INTEGER;
      expect({ ...row, data: [...(row?.data ?? [])] }).toEqual({
        ...{ hash: null, type: text, media_type: text, bytes: most, created_at: most },
        data: [...bytes],
      });
    });

    test("what has no result happens in its place, with any value", async () => {
      const texts = [
        "'; drop table settings; --",
        "\\",
        "\\'",
        "e'\\x41'",
        "?1 $1 :a",
        "-- x\n/* y",
        "",
        "東京 🙂",
      ];
      const put = (name: string, value: string) =>
        perform("insert into settings (name, value) values (?, ?) -- ? ?9", name, value);
      await database.write(function* () {
        for (const [i, text] of texts.entries()) yield* put(`${i}`, text);
        expect((yield* setting("1"))?.value).toBe("\\");
        yield* perform("update settings set value = ?2 || ?2 || '?' where name = ?1", "6", "it's");
        expect((yield* setting("6"))?.value).toBe("it'sit's?");
        yield* perform("update settings set value = ? where name = ?", "", "6");
      });
      const rows = await database.read(() =>
        all<{ value: string }>("select value from settings order by length(name), name"),
      );
      expect(rows.map(({ value }) => value)).toEqual(texts);
      const numbers = [0, -5, 0.1, -1.5e-7, 1e300, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER];
      await database.write(function* () {
        for (const [i, n] of numbers.entries())
          yield* perform("insert into buckets (name, level, at) values (?, ?, 3 - ?)", `${i}`, n, -5 - i);
        yield* perform(
          "insert into contents (hash, type, media_type, created_at) values (?, '', '', ?)",
          null,
          -1,
        );
        const sql = "insert into content_pieces (content, n, data) select seq, 0, ? from contents";
        yield* perform(sql, new Uint8Array([0, 39, 92, 255]));
      });
      const levels = await database.read(() =>
        all<{ level: number; at: number }>("select level, at from buckets order by at"),
      );
      expect(levels).toEqual(numbers.map((level, i) => ({ level, at: 8 + i })));
      const piece = await database.read(() => one<{ data: Uint8Array }>("select data from content_pieces"));
      expect([...(piece?.data ?? [])]).toEqual([0, 39, 92, 255]);
    });

    test("where something without a result fails, nothing of the work stays", async () => {
      for (const isLast of [true, false]) {
        const failing = database.write(function* () {
          yield* set("a", "1");
          yield* perform("insert into settings (name, value) values (?, null)", "b");
          if (!isLast) yield* set("c", "1");
        });
        await expect(failing).rejects.toThrow(/null/i);
        expect([await stored("a"), await stored("c")]).toEqual([null, null]);
      }
    });

    test("a lot without a result is all there", async () => {
      await database.write(function* () {
        for (let i = 0; i < 3_000; i++)
          yield* perform("insert into settings (name, value) values (?, ?)", `${i}`, "x".repeat(500));
        yield* perform("insert into settings (name, value) values (?, ?)", "large", "'".repeat(100_000));
      });
      expect(await stored("large")).toBe("'".repeat(100_000));
      await database.write(() => perform("delete from settings where name = 'large'"));
      const row = await database.read(() =>
        one("select count(*) as n, sum(length(value)) as size from settings"),
      );
      expect(row).toEqual({ n: 3_000, size: 1_500_000 });
    });

    test("work that throws leaves nothing, and what it throws comes out", async () => {
      const failing = database.write(function* () {
        yield* set("a", "1");
        throw new Error("enough");
      });
      await expect(failing).rejects.toThrow("enough");
      expect(await stored("a")).toBeNull();
    });

    test("a statement that fails ends the work, and nothing of it stays", async () => {
      let goesOn = false;
      const failing = database.write(function* () {
        yield* set("a", "1");
        try {
          yield* change("insert into settings (name, value) values (?, null)", "b");
        } catch {
          goesOn = true; // work can't catch it
        }
        goesOn = true;
      });
      await expect(failing).rejects.toThrow(/null/i);
      expect(goesOn).toBe(false);
      expect(await stored("a")).toBeNull();
      await database.write(() => set("a", "2"));
      expect(await stored("a")).toBe("2");
    });

    test("work that comes at once does not interleave", async () => {
      const more = () =>
        database.write(function* () {
          const before = yield* setting("count");
          yield* set("count", String(Number(before?.value ?? 0) + 1));
        });
      await Promise.all(Array.from({ length: 20 }, more));
      expect(await stored("count")).toBe("20");
    });

    test("who watches hears of an announcement when it is committed, and of none that is not", async () => {
      let heard = 0;
      const end = database.watch(() => heard++);
      const announcing = (fails: boolean) =>
        database.write(function* () {
          yield* announce();
          yield* set("a", "1");
          if (fails) throw new Error("enough");
          expect(heard).toBe(0);
        });
      await expect(announcing(true)).rejects.toThrow("enough");
      await database.write(() => set("b", "1"));
      await announcing(false);
      await until(() => heard > 0, "the announcement is heard");
      end();
      await database.write(announce);
      expect(heard).toBe(1);
    });

    test("a list of rows is a table, in their order", async () => {
      const rows = [
        ["b", 2 ** 50, "'quoted' \"text\" \\ ?1 $1\n"],
        ["a", -1, "東京 🙂"],
        ["c", 0, ""],
      ];
      const read = (some: (string | number)[][]) => {
        const { table, list } = database.rows({ name: "text", size: "bigint", text: "text" }, some);
        return database.read(() => all(`select name, size, text from ${table} r order by n`, list));
      };
      expect(await read(rows)).toEqual(rows.map(([name, size, text]) => ({ name, size, text })));
      expect(await read([])).toEqual([]);
      // what an engine can't store is left out there, and nothing fails
      const [odd] = (await read([["half \ud83d and \0 none", 1, ""]])) as { name: string }[];
      expect(odd?.name).toMatch(/^half .*none$/su);
    });

    test("rows are found by a list of values, whatever these are", async () => {
      const names = ["plain", "", "with 'quotes' \"and\" {braces}, commas", "null", "\\", "東京"];
      await database.write(function* () {
        for (const name of names) yield* set(name, "1");
        yield* set("other", "1");
      });
      const found = (list: readonly string[]) => {
        const { condition, list: value } = database.within("name", list);
        return database.read(() =>
          all<{ name: string }>(`select name from settings where ${condition}`, value),
        );
      };
      expect((await found([...names, "unknown"])).map(({ name }) => name).sort()).toEqual([...names].sort());
      expect(await found([])).toEqual([]);
    });
  });
}
