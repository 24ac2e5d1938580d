// What keeping conversations costs: opening a long one, searching many messages, a checkpoint, a long list. On a file in a
// temporary folder, as in use. Writes its table into bench/README.md. Run: make bench (QUICK=1: small, writes nothing).

import { Database } from "bun:sqlite";
import { mkdtempSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { localPerson, standardLimits } from "../src/domain/account.ts";
import type { ListPlace } from "../src/domain/conversation.ts";
import { newId } from "../src/domain/id.ts";
import { migrate } from "../src/store/migrate.ts";
import { openSqlite } from "../src/store/sqlite.ts";
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
const store = openSqlite(file);
const short = (await store.list({ owner: localPerson, limit: 1 }))[0]?.id as string;
const rows: string[] = [];
const row = (name: string, found: number[]) =>
  rows.push(`| ${name} | ${median(found).toFixed(3)} | ${quantile(found, 0.99).toFixed(3)} |`);

row("open a conversation of 2 messages", await timed(() => store.thread(short, { limit: 50 })));
row("open a conversation of 5 000 messages", await timed(() => store.thread(long, { limit: 50 })));
row(
  `first page of a list of ${conversations.toLocaleString("en")} conversations`,
  await timed(() => store.list({ owner: localPerson, limit: 50 })),
);
const middle = (await store.list({ owner: localPerson, limit: conversations / 2 })).at(-1) as ListPlace;
row(
  "a page from the middle of that list",
  await timed(() => store.list({ owner: localPerson, limit: 50, after: middle })),
);
const total = (conversations * 2 + messages).toLocaleString("en");
row(
  `search ${total} messages for a rare word`,
  await timed(() => store.search(localPerson, words.at(-1) as string, 30)),
);
row(
  `search ${total} messages for a frequent word`,
  await timed(() => store.search(localPerson, words[0] as string, 30)),
);
row(
  `search ${total} messages for two words, the last unfinished`,
  await timed(() => store.search(localPerson, `${words[40]} ${words[90]?.slice(0, 3)}`, 30)),
);
row(
  `search ${total} messages for a part of a word`,
  await timed(() => store.search(localPerson, `${words[40]}`.slice(1), 30)),
);

const said = await store.say({
  conversation: newId(),
  message: newId(),
  text: "q",
  owner: localPerson,
  limits: standardLimits.admin,
  queueMaxRuns: 10,
});
const run = said?.run.id as string;
await store.start(run);
const piece = text(20);
row(
  "a checkpoint at the beginning of an answer",
  await timed(
    () => store.checkpoint([{ run, step: 0, pieces: [{ kind: "text", text: piece }], streamBytes: 0 }]),
    rounds * 10,
  ),
);
for (let i = 0; i < 2000; i++)
  await store.checkpoint([{ run, step: 0, pieces: [{ kind: "text", text: piece }], streamBytes: 0 }]);
row(
  "a checkpoint after 250 kB of answer",
  await timed(
    () => store.checkpoint([{ run, step: 0, pieces: [{ kind: "text", text: piece }], streamBytes: 0 }]),
    rounds * 10,
  ),
);
await store.close();

await writeTable(
  "store",
  [
    "| what | p50 ms | p99 ms |",
    "|---|---|---|",
    ...rows,
    "",
    `The file has ${Math.round(statSync(file).size / 1e6)} MB.`,
  ].join("\n"),
);
