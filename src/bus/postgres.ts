// The Bus of several processes over LISTEN and NOTIFY of PostgreSQL. It needs connections to the server
// itself: through a pooler that lends them for a transaction it would hear nothing.

import { Connection } from "../postgres/connection.ts";
import { Listener, type ListenerBounds } from "../postgres/listener.ts";
import type { Bus } from "./bus.ts";
import { type Channel, type Hearing, remoteBus } from "./remote.ts";

const channel = "parlor_bus";
/** PostgreSQL carries less than 8 000 bytes. */
const payloadMaxBytes = 7_900;
const sendMs = 3_000;

/** Opens the Bus at `url` (`postgres://…`). @throws PostgresError when it can't be reached */
export function postgresBus(url: string, bounds: Partial<ListenerBounds> = {}): Promise<Bus> {
  return remoteBus({ payloadMaxBytes, open: (hearing) => open(url, hearing, bounds) });
}

async function open(url: string, hearing: Hearing, bounds: Partial<ListenerBounds>): Promise<Channel> {
  const listener = await Listener.open(url, channel, hearing, bounds);
  // one connection: two would overtake each other
  let sender: Connection | null = null;
  return {
    async send(payload) {
      if (sender === null || sender.isClosed)
        sender = new Connection(url, { connectMs: sendMs, statementMs: sendMs, ...bounds });
      await sender.query("select pg_notify($1, $2)", [channel, payload]);
    },
    async close() {
      await Promise.all([listener.close(), sender?.close()]);
    },
  };
}
