// What every database must do behind the port: transactions, results of statements, announcements.

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { all, announce, change, type Database, one, type Work } from "../../src/store/database.ts";
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
