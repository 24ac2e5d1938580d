// What keeping a house in PostgreSQL costs beside SQLite, in one run, in turn: a question to its first token, and
// search by words. Writes its tables into bench/README.md. Run: make bench (QUICK=1: small, writes nothing; ONLY=first
// or ONLY=words: that alone).

import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { passagesOf } from "../src/documents/passages.ts";
import { searchPassages } from "../src/documents/search.ts";
import { passageTerms } from "../src/documents/words.ts";
import { localPerson } from "../src/domain/account.ts";
import type { IndexedPassage } from "../src/domain/document.ts";
import { Connection } from "../src/postgres/connection.ts";
import { copyHouse } from "../src/store/house-copy.ts";
import { openSqliteSource } from "../src/store/house-source.ts";
import { postgresIntake } from "../src/store/intake.ts";
import { openPostgres, openPostgresIntake } from "../src/store/postgres.ts";
import { openSqlite } from "../src/store/sqlite.ts";
import { putDocument } from "../test/documents/put.ts";
import { until } from "../test/llama/server.ts";
import { type PostgresServer, startPostgres } from "../test/postgres/servers.ts";
import { compileWire, startSource } from "./contenders.ts";
import { sentence } from "./invented.ts";
import { type StartedParlor, startParlor } from "./parlor.ts";
import { fixed, median, quantile, quick, rounds, table, writeText } from "./report.ts";

/** Most that the first token may come later on PostgreSQL, at p50 in ms. */
const laterMax = 5;
const questions = quick ? 6 : 60;
const [same, roundTripMs] = ["PostgreSQL, same machine", 1];
const missed: string[] = [];

/** A way to PostgreSQL on which what is sent there takes `ms` longer. */
function farther(port: number, ms: number): number {
  interface Data {
    to: Bun.Socket<Data> | null;
    held: Uint8Array[];
  }
  const server = Bun.listen<Data>({
    ...{ hostname: "127.0.0.1", port: 0 },
    socket: {
      async open(near) {
        near.data = { to: null, held: [] };
        const far = await Bun.connect<Data>({
          ...{ hostname: "127.0.0.1", port, data: { to: near, held: [] } },
          socket: { data: (_, data) => void near.write(data), close: () => void near.end() },
        }).catch(() => null);
        if (far === null) return void near.end();
        near.data.to = far;
        for (const data of near.data.held.splice(0)) far.write(data);
      },
      data(near, data) {
        const copy = data.slice();
        if (near.data.to === null) near.data.held.push(copy);
        else setTimeout(() => void near.data.to?.write(copy), ms);
      },
      close: (near) => void near.data?.to?.end(),
    },
  });
  return server.port;
}

/** Asks over the socket of programs, each question in the conversation of `conversation`; null: in a new one. */
class Asker {
  readonly #socket: WebSocket;
  #heard = (_: { type: string; conversation?: string }): void => {};

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.onmessage = ({ data }) => this.#heard(JSON.parse(String(data)));
  }

  static open(port: number): Promise<Asker> {
    const { promise, resolve, reject } = Promise.withResolvers<Asker>();
    const socket = new WebSocket(`ws://127.0.0.1:${port}/chat`, "parlor.json");
    socket.onopen = () => resolve(new Asker(socket));
    socket.onerror = reject;
    return promise;
  }

  /** Milliseconds to the first token, and the conversation, once the answer has ended. */
  ask(conversation: string | null): Promise<{ firstMs: number; conversation: string | null }> {
    const { promise, resolve, reject } = Promise.withResolvers<{
      firstMs: number;
      conversation: string | null;
    }>();
    let [firstMs, known] = [Number.NaN, conversation];
    const startedAt = performance.now();
    this.#heard = (event) => {
      known = event.conversation ?? known;
      if (event.type === "delta" && Number.isNaN(firstMs)) firstMs = performance.now() - startedAt;
      if (event.type === "error") reject(new Error(JSON.stringify(event)));
      if (event.type === "done") resolve({ firstMs, conversation: known });
    };
    const text = JSON.stringify({ tokens: 3, perSecond: 0 });
    this.#socket.send(JSON.stringify({ type: "say", text, ...(conversation && { conversation }) }));
    return promise;
  }
}

/** A question to its first token, in houses on either engine, one after the other, round by round. */
async function firstTokens(server: PostgresServer): Promise<string> {
  const source = await startSource(compileWire());
  const llama = [`http://127.0.0.1:${source.port}`];
  const away = farther(server.port, roundTripMs);
  const nameOf = (url: string) => url.slice(url.lastIndexOf("/") + 1);
  const houses: readonly (readonly [name: string, flags: string[]])[] = [
    ["SQLite", []],
    [same, ["--db", await server.database()]],
    [`PostgreSQL, ${roundTripMs} ms away`, ["--db", server.url(nameOf(await server.database()), away)]],
  ];
  const parlors = new Map<string, StartedParlor>();
  const askers = new Map<string, Asker>();
  for (const [name, flags] of houses) {
    const parlor = await startParlor(llama, flags);
    parlors.set(name, parlor);
    askers.set(name, await Asker.open(parlor.port));
  }
  const found = new Map<string, number[]>();
  const add = (key: string, ms: number) => void found.set(key, [...(found.get(key) ?? []), ms]);
  for (let round = 0; round < rounds; round++)
    for (const [name, asker] of askers)
      for (let i = 0, conversation: string | null = null; i < questions; i++) {
        const kind = i % 3 === 0 ? "first" : "next";
        const asked = await asker.ask(kind === "first" ? null : conversation);
        conversation = asked.conversation;
        if (i >= 3) add(`${name} ${kind}`, asked.firstMs); // the first ones of a process take longer
      }
  for (const parlor of parlors.values()) parlor.stop();
  const title =
    "**First token**, from the question on, one question at a time (`/chat`, a source that answers at once)";
  const columns = ["house", "question", "p50 ms", "p99 ms", "later than SQLite at p50, ms"];
  const first = table(title, columns);
  for (const kind of ["first", "next"])
    for (const [name] of houses) {
      const times = found.get(`${name} ${kind}`) ?? [];
      const later = median(times) - median(found.get(`SQLite ${kind}`) ?? []);
      const cells = [median(times), quantile(times, 0.99)].map((ms) => fixed(ms, 2));
      first.row(name, `the ${kind} of a conversation`, ...cells, name === "SQLite" ? "" : fixed(later, 2));
      if (name === same && later > laterMax && !quick) missed.push(`${later} ms later on PostgreSQL`);
    }
  return first.text;
}

function* indexed(text: string): Generator<IndexedPassage> {
  for (const passage of passagesOf([{ page: 1, text }], false))
    yield { ...passage, ...passageTerms("", passage.text) };
}

/** Waits until the index is in order, and counts what the planner must know, as PostgreSQL does each minute. */
async function settled(url: string): Promise<void> {
  const connection = new Connection(url, { connectMs: 3_000, statementMs: 600_000 });
  const left =
    "select 1 from passage_blocks where state <> 'whole' union all select 1 from passage_terms offset 200000";
  await until(async () => (await connection.query(left)).count === 0, "terms are in lists", 600_000);
  await connection.query("vacuum analyze");
  await connection.close();
  process.stdout.write("all is stored\n");
}

/** Search by words among many passages, as `bench/documents.ts` measures it, on either engine in turn. */
async function words(server: PostgresServer): Promise<string> {
  const file = join(mkdtempSync(join(tmpdir(), "parlor-bench-")), "parlor.db");
  const passages = quick ? 1_000 : 100_000;
  const filled = openSqlite(file);
  const { id } = await filled.collections.add(localPerson, "bench", null);
  for (let left = passages; left > 0; left -= 100) {
    const text = Array.from({ length: Math.min(100, left) }, () => sentence(150)).join("\n\n");
    await putDocument(filled, id, { path: `${left}`, hash: `${left}` }, indexed(text));
  }
  await filled.close();
  const url = await server.database();
  const [source, target] = [await openSqliteSource(file), await openPostgresIntake(url)];
  const termsOf = ({ text }: { text: string }) => passageTerms("", text);
  await copyHouse({ source, target, intake: postgresIntake, termsOf });
  await Promise.all([source.close(), target.close()]);
  const stores = { SQLite: openSqlite(file), PostgreSQL: await openPostgres(url) };
  const places = Object.entries(stores).map(([name, store]) => ({ name, store, times: [] as number[] }));
  await settled(url);
  for (let i = 0; i < 110; i++) {
    const question = sentence(8);
    for (const { store, times } of places) {
      const askedAt = performance.now();
      await searchPassages(store.collections, question, { collections: [id], limit: 20 });
      if (i >= 10) times.push(performance.now() - askedAt);
    }
  }
  const title = `**Search by words** among ${passages.toLocaleString("en")} passages (a question of 8 words of an invented language)`;
  const search = table(title, ["engine", "p50 ms", "p99 ms"]);
  for (const { name, store, times } of places) {
    search.row(name, ...[median(times), quantile(times, 0.99)].map((ms) => fixed(ms, 2)));
    await store.close();
  }
  return search.text;
}

const server = await startPostgres();
const only = process.env["ONLY"];
const texts = [
  ...(only === "words" ? [] : [await firstTokens(server)]),
  ...(only === "first" ? [] : [await words(server)]),
];
await server.close();
if (!only) await writeText("engines", texts.join("\n\n"));
if (missed.length > 0) throw new Error(`worse than it should be: ${missed.join("; ")}`);
process.exit(0);
