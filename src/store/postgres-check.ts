// Whether a house in PostgreSQL is whole: its schema, what its rows refer to, the sizes of its files. Damaged
// pages are PostgreSQL's own to find (checksums, pg_amcheck).

import { Connection } from "../postgres/connection.ts";
import { houseTables } from "./house-tables.ts";
import { unusableDatabase } from "./postgres.ts";
import { refuseOtherSchema } from "./postgres-migrate.ts";

/** Longest time of one question, in ms. */
const statementMs = 10 * 60_000;
const connectMs = 3_000;

/** Each returns `n` rows that are wrong, named by the text before it. */
const checks: readonly (readonly [fault: string, sql: string])[] = [
  [
    "conversations show a message that is not theirs",
    `select count(*) as n from conversations c where head is not null
       and not exists (select 1 from messages m where m.id = c.head and m.conversation = c.id)`,
  ],
  [
    "messages follow one of another conversation",
    `select count(*) as n from messages m join messages p on p.id = m.parent where p.conversation <> m.conversation`,
  ],
  [
    "documents have a file that is not there",
    `select count(*) as n from documents d where file is not null
       and not exists (select 1 from files f where f.id = d.file)`,
  ],
  [
    "collections belong to content that is not there",
    `select count(*) as n from collections c where content is not null
       and not exists (select 1 from contents t where t.seq = c.content)`,
  ],
  [
    "documents lack passages",
    `select count(*) as n from documents d where state = 'searchable'
       and passages <> (select count(*) from passages p where p.document = d.seq)`,
  ],
  [
    "files lack bytes",
    `select count(*) as n from contents c where hash is not null and bytes <>
       (select coalesce(sum(octet_length(data)), 0) from content_pieces p where p.content = c.seq)`,
  ],
  ["indexes are not valid", "select count(*) as n from pg_index where not indisvalid"],
  [
    "triggers are switched off",
    "select count(*) as n from pg_trigger where tgenabled = 'D' and not tgisinternal",
  ],
];

/** Foreign keys of one column, with the tables at both ends. */
const foreignKeys = `select conrelid::regclass::text as child, c.attname as "from",
    confrelid::regclass::text as parent, p.attname as "to"
  from pg_constraint k join pg_attribute c on c.attrelid = conrelid and c.attnum = conkey[1]
  join pg_attribute p on p.attrelid = confrelid and p.attnum = confkey[1]
  where contype = 'f' and connamespace = current_schema()::regnamespace`;

interface Soundness {
  readonly faults: readonly string[];
  /** Rows of the tables. */
  readonly counts: ReadonlyMap<string, number>;
}

/** @throws StoreUnusable when it can't be reached, or is not of the newest schema */
export async function checkPostgres(url: string): Promise<Soundness> {
  const connection = new Connection(url, { connectMs, statementMs });
  try {
    await connection.query("begin isolation level repeatable read read only");
    await refuseOtherSchema(connection);
    return await examined(connection);
  } catch (error) {
    throw unusableDatabase(url, error);
  } finally {
    await connection.close();
  }
}

async function examined(connection: Connection): Promise<Soundness> {
  const number = async (sql: string) => Number((await connection.query(sql)).rows[0]?.["n"]);
  const faults: string[] = [];
  for (const [fault, sql] of checks) {
    const n = await number(sql);
    if (n > 0) faults.push(`${n} ${fault}`);
  }
  for (const row of (await connection.query(foreignKeys)).rows) {
    const { child, from, parent, to } = row as Record<"child" | "from" | "parent" | "to", string>;
    const n = await number(`select count(*) as n from ${child} c where "${from}" is not null
      and not exists (select 1 from ${parent} p where p."${to}" = c."${from}")`);
    if (n > 0) faults.push(`${n} rows of ${child} point to nothing in ${parent}`);
  }
  const counts = new Map<string, number>();
  for (const { name, key } of houseTables) {
    counts.set(name, await number(`select count(*) as n from ${name}`));
    if (key[0] !== "seq") continue;
    // the next number that a row gets is one that a row has
    const n = await number(`select count(*) as n from ${name}, (select last_value from ${name}_seq_seq) s
      where seq > last_value`);
    if (n > 0) faults.push(`${n} rows of ${name} have numbers that others will get`);
  }
  return { faults, counts };
}
