// PostgreSQL with pgvector, as WebAssembly, in a process of its own: what Debian's PostgreSQL lacks. It has one
// database and one session, which its connections share one after the other. It tells no connection what
// another one announces.

import type { Socket } from "bun";
import { Connection } from "../../src/postgres/connection.ts";
import type { Server } from "./servers.ts";

export interface Pglite extends Server {
  readonly url: string;
  /** Makes the database empty. */
  reset(): Promise<void>;
}

/** Connections with these bounds don't wait for each other for ever. */
export const pgliteBounds = { connectionsMax: 1, waitMs: 30_000, connectMs: 30_000, statementMs: 60_000 };

/** Starts it. It ends with this process. */
export async function startPglite(): Promise<Pglite> {
  const child = Bun.spawn([process.execPath, import.meta.path], {
    ...{ stdin: "pipe", stdout: "pipe", stderr: "inherit" },
  });
  const { value } = await child.stdout.getReader().read();
  const port = Number(new TextDecoder().decode(value));
  if (!(port > 0)) throw new Error("PGlite did not start");
  const url = `postgres://postgres@127.0.0.1:${port}/postgres`;
  return {
    ...{ port, url },
    async reset() {
      const connection = new Connection(url, pgliteBounds);
      await connection.query("drop schema public cascade; create schema public");
      await connection.close();
    },
    async close() {
      child.kill("SIGKILL");
      await child.exited;
    },
  };
}

/** First bytes of a connection that asks for TLS. */
const tlsRequest = 80_877_103;
/** Ends what is sent at once: Query, Sync. */
const ends = [..."QS"].map((each) => each.charCodeAt(0));

interface Client {
  /** What has come and is not answered yet. */
  bytes: Buffer;
  /** Answers that the system has not taken yet. */
  answers: Buffer;
  hasBegun: boolean;
}

/** Sends an answer as far as the system takes it; the rest when it takes more. */
function send(socket: Socket<Client>, answer: Uint8Array | string): void {
  const { data: client } = socket;
  client.answers = Buffer.concat([client.answers, Buffer.from(answer as Uint8Array)]);
  client.answers = client.answers.subarray(Math.max(0, socket.write(client.answers)));
}

/** The length of what has come, up to an end; 0 while that is not complete. */
function complete({ bytes, hasBegun }: Client): number {
  if (!hasBegun) return bytes.length >= 8 && bytes.length >= bytes.readInt32BE(0) ? bytes.readInt32BE(0) : 0;
  for (let at = 0; bytes.length >= at + 5; ) {
    const [kind, length] = [bytes[at] as number, bytes.readInt32BE(at + 1)];
    at += 1 + length;
    if (ends.includes(kind)) return bytes.length >= at ? at : 0;
  }
  return 0;
}

async function serve(): Promise<void> {
  const [{ PGlite }, { vector }, { pg_trgm }] = await Promise.all([
    import("@electric-sql/pglite"),
    import("@electric-sql/pglite-pgvector"),
    import("@electric-sql/pglite/contrib/pg_trgm"),
  ]);
  const db = await PGlite.create({ extensions: { vector, pg_trgm } });
  type Task = { readonly client: Client; run(): Promise<void> };
  const tasks: Task[] = [];
  let [isRunning, owner]: [boolean, Client | null] = [false, null];
  const go = async () => {
    if (isRunning) return;
    isRunning = true;
    for (;;) {
      const next = owner === null ? 0 : tasks.findIndex(({ client }) => client === owner);
      const [task] = next < 0 ? [] : tasks.splice(next, 1);
      if (!task) break;
      await task.run();
      owner = db.isInTransaction() ? task.client : null;
    }
    isRunning = false;
  };
  const add = (task: Task) => {
    tasks.push(task);
    void go();
  };
  const server = Bun.listen<Client>({
    ...{ hostname: "127.0.0.1", port: 0 },
    socket: {
      open(socket) {
        socket.data = { bytes: Buffer.alloc(0), answers: Buffer.alloc(0), hasBegun: false };
      },
      data(socket, data) {
        const client = socket.data;
        client.bytes = Buffer.concat([client.bytes, data]);
        for (let length = complete(client); length > 0; length = complete(client)) {
          const sent = client.bytes.subarray(0, length);
          client.bytes = client.bytes.subarray(length);
          const isTls = !client.hasBegun && sent.readInt32BE(4) === tlsRequest;
          client.hasBegun ||= !isTls;
          const answer = async () => (isTls ? "N" : await db.execProtocolRaw(sent));
          add({ client, run: async () => send(socket, await answer()) });
        }
      },
      drain: (socket) => send(socket, ""),
      close({ data: client }) {
        add({ client, run: async () => void (owner === client && (await db.exec("rollback"))) });
      },
    },
  });
  process.stdout.write(`${server.port}\n`);
  for await (const _ of process.stdin); // until the other end is gone
  process.exit(0);
}

if (import.meta.main) await serve();
