// One house of one, two and three processes: 1 500 pages watch 100 running answers. What a page costs, how old a token is when a page has
// it, and what of it the leader and PostgreSQL take. Prints a table and writes it into bench/README.md. Run: make bench (QUICK=1 for a
// short look).

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { newId } from "../src/domain/id.ts";
import { freePort, until } from "../test/llama/server.ts";
import { startPostgres } from "../test/postgres/servers.ts";
import { startParlor } from "./parlor.ts";
import { cpuOf, root, start } from "./process.ts";
import { fixed, quantile, quick, rounds, table, writeText } from "./report.ts";
import { microseconds } from "./source.ts";

const [answers, pages, perSecond, watchedMs] = quick ? [20, 300, 10, 4_000] : [100, 1_500, 10, 15_000];

const postgres = await startPostgres();
const source = await start([process.execPath, join(root, "bench/source.ts")]);

/** Processor time of our PostgreSQL so far, in µs: of its first process, and those that this one has started. */
function postgresCpu(): number {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  const read = (pid: string, file: string) => {
    try {
      return readFileSync(`/proc/${pid}/${file}`, "utf8");
    } catch {
      return ""; // it has ended
    }
  };
  const first = pids.find((pid) => read(pid, "cmdline").includes(`\0-p\0${postgres.port}\0`));
  const ours = pids.filter(
    (pid) => pid === first || read(pid, "stat").split(") ")[1]?.split(" ")[1] === first,
  );
  return ours.reduce((sum, pid) => sum + (read(pid, "stat") === "" ? 0 : cpuOf(Number(pid))), 0);
}

interface Found {
  readonly cpuPerPage: number;
  readonly leader: number;
  readonly others: number;
  readonly database: number;
  readonly ages: readonly number[];
}

async function measure(processes: number, withDatabase: boolean): Promise<Found> {
  const database = withDatabase
    ? ["--db", await postgres.database(), "--cluster-key", "0123456789abcdef"]
    : [];
  const bounds = ["--sockets-max-per-address", "20000", "--queue-max-runs", "1000", "--slots-max", "256"];
  const house = await Promise.all(
    Array.from({ length: processes }, async () => {
      const port = String(freePort());
      const place = withDatabase ? ["--cluster-url", `http://127.0.0.1:${port}`] : [];
      return startParlor(
        [`http://127.0.0.1:${source.line}`],
        ["--port", port, ...bounds, ...database, ...place],
      );
    }),
  );
  const { leader = house[0]?.url } = (await (await fetch(`${house[0]?.url}/readyz`)).json()) as {
    leader?: string;
  };
  const conversations = Array.from({ length: answers }, newId);
  const ages: number[] = [];
  let [isMeasuring, begun] = [false, 0];
  const open = (i: number): Promise<WebSocket> => {
    const at = house[i % processes] as { url: string };
    const ws = new WebSocket(`${at.url.replace("http", "ws")}/live?c=${conversations[i % answers]}`, {
      headers: { origin: at.url },
    } as never);
    return new Promise((resolve) => {
      let isSeated = false;
      ws.onmessage = ({ data }) => {
        if (!isSeated) {
          isSeated = true;
          resolve(ws);
        }
        if (!isMeasuring) return;
        const stamps = String(data).match(/\b1\d{15}\b/g);
        if (stamps && String(data).length < 2_000) ages.push(microseconds() - Number(stamps.at(-1)));
      };
    });
  };
  const sockets: WebSocket[] = [];
  for (let i = 0; i < pages; i += 100)
    sockets.push(
      ...(await Promise.all(Array.from({ length: Math.min(100, pages - i) }, (_, k) => open(i + k)))),
    );
  const tokens = Math.ceil(((watchedMs + 15_000) / 1_000) * perSecond);
  for (const [i] of conversations.entries()) {
    const message = {
      type: "say",
      message: newId(),
      text: JSON.stringify({ tokens, perSecond }),
      headers: {},
    };
    sockets[i]?.send(JSON.stringify(message));
    begun++;
  }
  await until(
    async () => ((await (await fetch(`${leader}/readyz`)).json()) as { running: number }).running === begun,
    "all answers run",
  );
  await Bun.sleep(2_000);
  const cpus = () => house.map(({ pid }) => cpuOf(pid));
  const [before, databaseBefore] = [cpus(), postgresCpu()];
  isMeasuring = true;
  const from = performance.now();
  await Bun.sleep(watchedMs);
  isMeasuring = false;
  const [seconds, after, databaseAfter] = [(performance.now() - from) / 1_000, cpus(), postgresCpu()];
  const used = after.map((cpu, i) => (cpu - (before[i] ?? 0)) / seconds / 1e4);
  const all = used.reduce((sum, each) => sum + each, 0);
  const leaders = used[house.findIndex(({ url }) => url === leader)] ?? 0;
  for (const socket of sockets) socket.close();
  for (const { stop } of house) stop();
  await Bun.sleep(1_000);
  return {
    ...{ cpuPerPage: (all * 1e4) / pages, leader: leaders, others: all - leaders, ages },
    database: withDatabase ? (databaseAfter - databaseBefore) / seconds / 1e4 : 0,
  };
}

const title = `${pages} pages watch ${answers} answers of ${perSecond} tokens a second`;
const found = table(title, [
  "processes",
  "processor per page",
  "leader",
  "other processes",
  "PostgreSQL",
  "age of a token, p50",
  "p99",
]);
const cases = [
  ["1, SQLite", 1, false],
  ["1", 1, true],
  ["2", 2, true],
  ["3", 3, true],
] as const;
for (const [name, processes, withDatabase] of cases) {
  const all: Found[] = [];
  for (let round = 0; round < rounds; round++) all.push(await measure(processes, withDatabase));
  const middle = (value: (each: Found) => number) => quantile(all.map(value), 0.5);
  found.row(
    name,
    `${fixed(
      middle(({ cpuPerPage }) => cpuPerPage),
      0,
    )} µs/s`,
    `${fixed(
      middle(({ leader }) => leader),
      1,
    )} % of a core`,
    `${fixed(
      middle(({ others }) => others),
      1,
    )} %`,
    `${fixed(
      middle(({ database }) => database),
      1,
    )} %`,
    ...[0.5, 0.99].map(
      (q) =>
        `${fixed(
          middle(({ ages }) => quantile(ages, q) / 1_000),
          1,
        )} ms`,
    ),
  );
}
await writeText("cluster", found.text);
await postgres.close();
process.exit(0);
