// Copies a house from one database to another. How far it came is kept in the target, with the rows, so that
// an interrupted copy goes on where it ended. While the table `migration` is there, the target is unfinished.

import {
  all,
  change,
  type Database,
  type IndexedTerms,
  one,
  type PassageTerms,
  perform,
  type Value,
  type Work,
} from "./database.ts";
import { StoreUnusable } from "./file.ts";
import type { HouseSource, Row } from "./house-source.ts";
import { type HouseTable, houseTables } from "./house-tables.ts";

/** What engines need for rows that bring their own numbers. */
export interface Intake {
  /** Stands before the values of an insertion that gives `seq`. */
  readonly overriding: string;
  /** Rows that a statement adds, and bytes that they may have together; others are added one by one. */
  readonly statementRows: number;
  /** Once all rows are there. */
  settle(tables: readonly HouseTable[]): Work<void>;
}

/** A passage with what its index is made of. */
interface CopiedPassage {
  readonly path: string;
  readonly title: string | null;
  readonly headings: readonly string[];
  readonly text: string;
}

interface CopyOptions {
  readonly source: HouseSource;
  readonly target: Database;
  readonly intake: Intake;
  /** The index of passages is made anew: the terms of a passage. */
  termsOf(passage: CopiedPassage): PassageTerms;
  /** Called after each step with the rows that are there. */
  progress?(table: string, done: number, total: number): void;
}

/** Rows of a table there and here. */
export interface Balance {
  readonly table: string;
  readonly source: number;
  readonly target: number;
}

interface Place {
  readonly last: string;
  readonly done: number;
}

/** Size of rows that one statement adds, in UTF-16 units and bytes. */
const statementMaxSize = 512 * 1024;

/**
 * Copies all rows, and returns their numbers. The target is finished only if they are the same.
 * @throws StoreUnusable when the target holds another house, or the source changed meanwhile
 */
export async function copyHouse(options: CopyOptions): Promise<readonly Balance[]> {
  const { source, target, intake } = options;
  const mark = source.mark();
  await target.write(() => begin(mark));
  const balance: Balance[] = [];
  for (const table of houseTables) {
    const total = await source.count(table);
    await copyTable(options, table, total);
    const rows = await target.read(() => countOf(table.name));
    balance.push({ table: table.name, source: total, target: rows });
  }
  if (source.mark() !== mark)
    throw new StoreUnusable("the house was changed while it was copied; empty the target and begin again");
  if (balance.every((each) => each.source === each.target))
    await target.write(function* () {
      yield* intake.settle(houseTables);
      yield* change("drop table migration");
    });
  return balance;
}

/** Notes the beginning in an empty house; in one that was begun with the same source, nothing. */
function* begin(mark: string | null): Work<void> {
  yield* change(
    "create table if not exists migration (name text primary key, last text not null, done bigint not null)",
  );
  const begun = yield* one<Place>("select last, done from migration where name = ''");
  if (begun !== null && mark !== null && begun.last === mark) return;
  if (begun !== null)
    throw new StoreUnusable("another house was being moved there, or this one was changed since; empty it");
  for (const { name } of houseTables) {
    const rows = yield* countOf(name);
    const isNew = name === "people" && rows === 1 && (yield* one("select 1 from people where id = 'local'"));
    if (rows > 0 && !isNew) throw new StoreUnusable(`there is a house already (${rows} rows of ${name})`);
  }
  yield* change("delete from people"); // the one of a new house
  yield* change("insert into migration (name, last, done) values ('', ?, 0)", mark ?? "");
}

async function copyTable(options: CopyOptions, table: HouseTable, total: number): Promise<void> {
  const { source, target } = options;
  const where = "select last, done from migration where name = ?";
  const place = await target.read(() => one<Place>(where, table.name));
  let done = place?.done ?? 0;
  let last = place === null ? null : (JSON.parse(place.last) as readonly Value[]);
  options.progress?.(table.name, done, total);
  for (;;) {
    const rows = await source.page(table, last);
    const end = rows.at(-1);
    if (end === undefined) return;
    last = table.key.map((column) => end[column] as Value);
    done += rows.length;
    const next = { last: JSON.stringify(last), done };
    const terms = table.name === "passages" ? await indexed(options, rows) : [];
    await target.write(() => add(options, table, rows, terms, next));
    options.progress?.(table.name, done, total);
  }
}

function* add(
  { target, intake }: CopyOptions,
  table: HouseTable,
  rows: readonly Row[],
  terms: readonly IndexedTerms[],
  { last, done }: Place,
): Work<void> {
  const { overriding, statementRows } = intake;
  const columns = Object.keys(rows[0] as Row);
  const names = columns.map((column) => `"${column}"`).join(", ");
  const into = `insert into ${table.name} (${names}) ${overriding} values `;
  const row = `(${columns.map(() => "?").join(", ")})`;
  for (let from = 0; from < rows.length; from += statementRows) {
    const some = rows.slice(from, from + statementRows);
    const values = some.map((each) => columns.map((column) => each[column] as Value));
    const isWhole = some.length === statementRows && sizeOf(values) <= statementMaxSize;
    if (isWhole) yield* perform(into + Array(statementRows).fill(row).join(", "), ...values.flat());
    else for (const each of values) yield* perform(into + row, ...each);
  }
  yield* target.passageIndex.add(terms);
  yield* perform(
    `insert into migration (name, last, done) values (?, ?, ?)
     on conflict (name) do update set last = excluded.last, done = excluded.done`,
    ...[table.name, last, done],
  );
}

/** What passages are found by. Those of an attached file are found by its name, too. */
async function indexed(
  { target, termsOf }: CopyOptions,
  rows: readonly Row[],
): Promise<readonly IndexedTerms[]> {
  const name = "select f.name from files f where f.content = c.content order by f.seq limit 1";
  const sql = `select d.collection, d.title, coalesce((${name}), d.path) as path
    from documents d join collections c on c.seq = d.collection where d.seq = ?`;
  type Found = { collection: number; title: string | null; path: string };
  const known = new Map<Value, Found>();
  const all: IndexedTerms[] = [];
  for (const row of rows) {
    const { document = null, seq, headings, text } = row;
    const found = known.get(document) ?? ((await target.read(() => one<Found>(sql, document))) as Found);
    known.set(document, found);
    const terms = termsOf({
      ...{ title: found.title, path: found.path, text: String(text) },
      headings: JSON.parse(String(headings)) as string[],
    });
    all.push({ passage: Number(seq), collection: found.collection, terms });
  }
  return all;
}

function* countOf(table: string): Work<number> {
  const [row] = yield* all<{ n: number }>(`select count(*) as n from ${table}`);
  return row?.n ?? 0;
}

function sizeOf(rows: readonly (readonly Value[])[]): number {
  let size = 0;
  for (const value of rows.flat()) if (value !== null && typeof value !== "number") size += value.length;
  return size;
}
