// What keeping a house in PostgreSQL costs beside SQLite, in one run, in turn: a question to its first token.
// Writes its table into bench/README.md. Run: make bench (QUICK=1: small, writes nothing).

import { startPostgres } from "../test/postgres/servers.ts";
import { compileWire, startSource } from "./contenders.ts";
import { startParlor } from "./parlor.ts";
import { fixed, median, quantile, quick, rounds, spread, table, writeText } from "./report.ts";

/** Most that the first token may come later on PostgreSQL, at p50 in ms. */
const laterMax = 5;
const questions = quick ? 5 : 60;
const missed: string[] = [];

/** A way to PostgreSQL that takes `ms` longer, there and back. */
function farther(port: number, ms: number): number {
  type Data = { to: Bun.Socket<Data> | null; held: Uint8Array[] };
  const pass = (socket: Bun.Socket<Data>, data: Uint8Array) => {
    const copy = data.slice();
    setTimeout(() => void socket.data.to?.write(copy), ms / 2);
  };
  const server = Bun.listen<Data>({
    ...{ hostname: "127.0.0.1", port: 0 },
    socket: {
      async open(near) {
        near.data = { to: null, held: [] };
        const far = await Bun.connect<Data>({
          ...{ hostname: "127.0.0.1", port, data: { to: near, held: [] } },
          socket: { data: pass, close: () => void near.end() },
        });
        near.data.to = far;
        for (const data of near.data.held.splice(0)) pass(near, data);
      },
      data: (near, data) =>
        near.data.to === null ? void near.data.held.push(data.slice()) : pass(near, data),
      close: (near) => void near.data.to?.end(),
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

const server = await startPostgres();
const source = await startSource(compileWire());
const llama = [`http://127.0.0.1:${source.port}`];
const command = process.env["PARLOR"]?.split(" ");
const houses: [name: string, flags: string[]][] = [
  ["SQLite", []],
  ["PostgreSQL, same machine", ["--db", await server.database()]],
];
const [away, roundTripMs] = [await server.database(), 1];
houses.push([
  `PostgreSQL, ${roundTripMs} ms away`,
  ["--db", server.url(away.slice(away.lastIndexOf("/") + 1), farther(server.port, roundTripMs))],
]);
const first = table("**First token**, from the question on, one question at a time", [
  "house",
  "question",
  "p50 ms",
  "(spread)",
  "p99 ms",
  "later than SQLite at p50, ms",
]);
const askers = new Map<string, Asker>();
for (const [name, flags] of houses)
  askers.set(name, await Asker.open((await startParlor(llama, flags, command)).port));
const found = new Map<string, number[]>();
for (let round = 0; round < rounds; round++)
  for (const [name, asker] of askers)
    for (let i = 0, conversation: string | null = null; i < questions; i++) {
      const kind = i % 3 === 0 ? "first" : "next";
      const asked = await asker.ask(kind === "first" ? null : conversation);
      conversation = asked.conversation;
      if (i >= 3) found.set(`${name} ${kind}`, [...(found.get(`${name} ${kind}`) ?? []), asked.firstMs]);
    }
for (const kind of ["first", "next"])
  for (const [name] of houses) {
    const times = found.get(`${name} ${kind}`) ?? [];
    const later = median(times) - median(found.get(`SQLite ${kind}`) ?? []);
    const cells = [fixed(median(times), 2), spread(times), fixed(quantile(times, 0.99), 2)];
    first.row(name, `the ${kind} of a conversation`, ...cells, name === "SQLite" ? "" : fixed(later, 2));
    if (name === houses[1]?.[0] && later > laterMax) missed.push(`${later} ms later on PostgreSQL`);
  }
await server.close();
await writeText("engines", first.text);
process.exit(missed.length > 0 ? 1 : 0);
