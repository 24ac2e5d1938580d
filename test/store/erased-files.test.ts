// What is deleted of attached files can be read in no file of the Store: their bytes, their text, their names.
// Promises: X7.

import { expect, test } from "bun:test";
import { mkdtempSync, readdirSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { FileIndex } from "../../src/documents/file-passages.ts";
import { localPerson, standardLimits } from "../../src/domain/account.ts";
import { Failure } from "../../src/domain/failure.ts";
import { newId, type PersonId } from "../../src/domain/id.ts";
import { type FilePart, filesIn } from "../../src/domain/part.ts";
import { openSqlite } from "../../src/store/sqlite.ts";
import type { QueuedRun, Store } from "../../src/store/store.ts";
import { doneEnding } from "../contract/ending.ts";
import { until } from "../llama/server.ts";
import { threadMs } from "../processor.ts";

const folder = mkdtempSync(join(tmpdir(), "parlor-files-"));
const fresh = (): string => join(folder, newId(), "parlor.db");
const secrets = ["Zwetschgenkuchen", "Pflaumenmus", "Quittengelee"] as const;
const [inBytes, inText, inName] = secrets;

/** Which of the secrets stand in which file of the database. */
const left = (file: string): string[] =>
  readdirSync(dirname(file)).flatMap((name) => {
    const bytes = readFileSync(join(dirname(file), name));
    return secrets.filter((secret) => bytes.includes(secret)).map((secret) => `${secret} in ${name}`);
  });
const nothing = (file: string) => until(() => left(file).length === 0, "nothing is left");

async function* content(fails = false): AsyncGenerator<Uint8Array> {
  for (let i = 0; i < 10; i++) yield Buffer.from(`${inBytes} ${i} `.repeat(4_000));
  if (fails) throw new Failure("file_unreadable");
}

const put = (store: Store, owner: PersonId, fails = false) =>
  store.files.add(
    {
      ...{
        id: newId(),
        owner,
        name: `${inName}.txt`,
        type: "text",
        mediaType: "text/plain",
        ownerMaxBytes: 1 << 30,
      },
      pages: [1, 2, 3].map((page) => ({ page, text: `${inText} `.repeat(20_000) })),
      pictures: new Map([[4, Buffer.from(`${inBytes} `.repeat(4_000))]]),
    },
    content(fails),
  );

/** A question with such a file, among others without. */
async function asked(store: Store, owner: PersonId = localPerson): Promise<QueuedRun> {
  const say = async (files: readonly string[]) => {
    const by = { owner, limits: standardLimits.admin, queueMaxRuns: 10 };
    const question = { conversation: newId(), message: newId(), text: "a question", files, ...by };
    const said = (await store.say(question)) as QueuedRun;
    await store.end(said.run.id, doneEnding);
    return said;
  };
  await say([]);
  const said = await say([(await put(store, owner)).id]);
  const { question } = said;
  const [part] = filesIn(question?.parts ?? []);
  expect(await new FileIndex().of(store, question?.id as string, part as FilePart)).not.toBeNull();
  await say([]);
  return said;
}

for (const [how, erase] of [
  ["with its conversation", async (store, { run }) => store.forget(run.conversation)],
  [
    "with its message",
    async (store, { run, question }) => {
      await store.prune(run.conversation, question?.id as string);
      await store.purge(Date.now() + 1_000);
    },
  ],
] as const satisfies [string, (store: Store, said: QueuedRun) => Promise<void>][])
  test(how, async () => {
    const file = fresh();
    const store = openSqlite(file);
    const said = await asked(store);
    expect(left(file)).not.toEqual([]);
    await erase(store, said);
    await store.rename(said.run.conversation, "a name").catch(() => {}); // a question of a file is titled by it
    await nothing(file);
    await store.close();
    expect(left(file)).toEqual([]);
  });

test("with its owner, sent or not", async () => {
  const file = fresh();
  const store = openSqlite(file);
  const { id } = await store.people.add({ name: "Ada", role: "member", password: null });
  await asked(store, id);
  await put(store, id);
  await store.people.erase(id);
  await nothing(file);
  await store.close();
});

test("one that was never sent: removed, or forgotten; and one that did not arrive whole", async () => {
  const file = fresh();
  const store = openSqlite(file);
  await store.files.remove(localPerson, (await put(store, localPerson)).id);
  await nothing(file);
  await put(store, localPerson);
  await store.files.removeUnsent(Date.now() + 1);
  await nothing(file);
  await expect(put(store, localPerson, true)).rejects.toThrow("file_unreadable");
  await nothing(file);
  await store.close();
});

test("others get their turn meanwhile, however large it was", async () => {
  const store = openSqlite(fresh());
  const large = async function* () {
    for (let i = 0; i < 200; i++) yield Buffer.alloc(256 * 1024, i);
  };
  const facts = {
    owner: localPerson,
    name: "a",
    type: "text",
    mediaType: "text/plain",
    ownerMaxBytes: 1 << 30,
    pages: [],
  } as const;
  const { id } = await store.files.add({ id: newId(), ...facts }, large());
  await store.files.remove(localPerson, id);
  let [longestMs, last] = [0, threadMs()];
  const turn = async () => {
    await new Promise((resolve) => setTimeout(resolve, 1));
    const now = threadMs();
    [longestMs, last] = [Math.max(longestMs, now - last), now];
    return (await store.files.usedBytes(localPerson)) === 0 && longestMs > 0;
  };
  await until(turn, "it is gone");
  for (let turns = 0; turns < 100; turns++) await turn();
  expect(longestMs).toBeLessThan(100);
  await store.close();
});

test("what another person has of the same content stays whole", async () => {
  const file = fresh();
  const store = openSqlite(file);
  const said = await asked(store);
  const other = await put(store, "somebody-else");
  await store.forget(said.run.conversation);
  const bytes = Buffer.concat(await Array.fromAsync(store.files.content(other.id)));
  expect(bytes.equals(Buffer.concat(await Array.fromAsync(content())))).toBe(true);
  await store.close();
});
