// What keeping conversations costs: opening a long one, searching many messages, a checkpoint, a long list. In a file in a
// temporary folder, as in use, and in a PostgreSQL on the same machine. Writes its table into bench/README.md. Run: make bench (QUICK=1: small, writes nothing).

import { Database } from "bun:sqlite";
import { mkdtempSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { localPerson, standardLimits } from "../src/domain/account.ts";
import type { ListPlace } from "../src/domain/conversation.ts";
import { newId } from "../src/domain/id.ts";
import { copyHouse } from "../src/store/house-copy.ts";
import { openSqliteSource } from "../src/store/house-source.ts";
import { postgresIntake } from "../src/store/intake.ts";
import { migrate } from "../src/store/migrate.ts";
import { openPostgres, openPostgresIntake } from "../src/store/postgres.ts";
import { openSqlite } from "../src/store/sqlite.ts";
import type { Store } from "../src/store/store.ts";
import { startPostgres } from "../test/postgres/servers.ts";
import { seeded } from "../test/seeded.ts";
import { median, quantile, quick, writeTable } from "./report.ts";

const rounds = quick ? 3 : 30;
const file = join(mkdtempSync(join(tmpdir(), "parlor-bench-")), "parlor.db");
const random = seeded(1);
const words = Array.from({ length: 5000 }, () =>
  Array.from({ length: 3 + random.below(7) }, () => String.fromCharCode(97 + random.below(26))).join(""),
);
const text = (length: number): string =>
  Array.from({ length }, () => words[Math.floor(random.next() ** 3 * words.length)]).join(" ");

/** Fills the tables directly, in one transaction: `conversations` of two messages each, and one of `messages`. */
function fill(conversations: number, messages: number): { long: string; last: string } {
  const db = new Database(file, { create: true });
  migrate(db, file);
  const addConversation = db.query(
    "insert into conversations (id, head, title, created_at, updated_at) values (?, ?, ?, ?, ?)",
  );
  const addMessage = db.query(
    "insert into messages (id, conversation, parent, role, text, created_at) values (?, ?, ?, ?, ?, ?)",
  );
  const thread = (length: number, at: number): { id: string; head: string } => {
    const [id, ids] = [newId(), Array.from({ length }, newId)];
    addConversation.run(id, ids.at(-1) as string, text(6), at, at);
    ids.forEach((message, i) => {
      addMessage.run(
        message,
        id,
        ids[i - 1] ?? null,
        i % 2 ? "assistant" : "user",
        text(i % 2 ? 60 : 15),
        at,
      );
    });
    return { id, head: ids.at(-1) as string };
  };
  let long = { id: "", head: "" };
  db.transaction(() => {
    for (let i = 0; i < conversations; i++) thread(2, 1_790_000_000_000 - i * 60_000);
    for (let left = messages; left > 0; left -= 5000) long = thread(Math.min(5000, left), 1_780_000_000_000);
  })();
  db.close();
  return { long: long.id, last: long.head };
}

/** Milliseconds of each call. */
async function timed(work: () => Promise<unknown>, times = rounds): Promise<number[]> {
  const found: number[] = [];
  for (let i = 0; i < times; i++) {
    const startedAt = performance.now();
    await work();
    found.push(performance.now() - startedAt);
  }
  return found;
}

const [conversations, messages] = quick ? [500, 5_000] : [10_000, 80_000];
const { long } = fill(conversations, messages);

/** Times of each kind of call, by what it does. */
type Times = Map<string, number[]>;

async function reading(store: Store, times: Times): Promise<void> {
  const short = (await store.list({ owner: localPerson, limit: 1 }))[0]?.id as string;
  const middle = (await store.list({ owner: localPerson, limit: conversations / 2 })).at(-1) as ListPlace;
  const total = (conversations * 2 + messages).toLocaleString("en");
  const search = (query: string) => store.search(localPerson, query, 30);
  const last = `${words[90]?.slice(0, 3)}`;
  for (const [name, work] of [
    ["open a conversation of 2 messages", () => store.thread(short, { limit: 50 })],
    ["open a conversation of 5 000 messages", () => store.thread(long, { limit: 50 })],
    [
      `first page of a list of ${conversations.toLocaleString("en")} conversations`,
      () => store.list({ owner: localPerson, limit: 50 }),
    ],
    [
      "a page from the middle of that list",
      () => store.list({ owner: localPerson, limit: 50, after: middle }),
    ],
    [`search ${total} messages for a rare word`, () => search(words.at(-1) as string)],
    [`search ${total} messages for a frequent word`, () => search(words[0] as string)],
    [`search ${total} messages for two words, the last unfinished`, () => search(`${words[40]} ${last}`)],
    [`search ${total} messages for a part of a word`, () => search(`${words[40]}`.slice(1))],
  ] as const)
    times.set(name, await timed(work));
}

async function writing(store: Store, times: Times): Promise<void> {
  const by = { owner: localPerson, limits: standardLimits.admin, queueMaxRuns: 1_000 };
  const say = async () => {
    const said = await store.say({ ...by, conversation: newId(), message: newId(), text: "q" });
    return said?.run.id as string;
  };
  times.set("a question in a new conversation", await timed(say));
  const run = await say();
  const piece = text(20);
  const draft = (of: string) => ({
    ...{ run: of, step: 0, streamBytes: 0 },
    pieces: [{ kind: "text" as const, text: piece }],
  });
  const checkpoint = () => store.checkpoint([draft(run)]);
  await store.start(run);
  times.set("a checkpoint at the beginning of an answer", await timed(checkpoint, rounds * 10));
  for (let i = 0; i < 2000; i++) await checkpoint();
  times.set("a checkpoint after 250 kB of answer", await timed(checkpoint, rounds * 10));
  const runs: string[] = [];
  for (let i = 0; i < 500; i++) runs.push(await say());
  for (const each of runs) await store.start(each);
  times.set("a checkpoint of 500 answers at once", await timed(() => store.checkpoint(runs.map(draft))));
}

/** A copy of the file's house in PostgreSQL. */
async function copied(url: string): Promise<Store> {
  const source = await openSqliteSource(file);
  const target = await openPostgresIntake(url);
  await copyHouse({ source, target, intake: postgresIntake, termsOf: () => ({ words: [], compounds: [] }) });
  await source.close();
  await target.close();
  return openPostgres(url);
}

const server = await startPostgres();
const [sqlite, postgres]: [Times, Times] = [new Map(), new Map()];
const engines = [
  [await copied(await server.database()), postgres],
  [openSqlite(file), sqlite],
] as const;
for (const part of [reading, writing]) for (const [store, times] of engines) await part(store, times);
for (const [store] of engines) await store.close();
await server.close();
const cells = (found: number[] = []) => [median(found), quantile(found, 0.99)].map((ms) => ms.toFixed(3));
const rows = [...sqlite].map(
  ([name, found]) => `| ${[name, ...cells(found), ...cells(postgres.get(name))].join(" | ")} |`,
);
await writeTable(
  "store",
  [
    "| what | SQLite, p50 ms | p99 ms | PostgreSQL, p50 ms | p99 ms |",
    "|---|---|---|---|---|",
    ...rows,
    "",
    `The file has ${Math.round(statSync(file).size / 1e6)} MB.`,
  ].join("\n"),
);
process.exit(0);
