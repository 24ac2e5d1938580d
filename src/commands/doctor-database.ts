// Looks at the house for `parlor doctor`: whether it is sound, and whether a PostgreSQL can keep it. Changes
// nothing.

import { Connection } from "../postgres/connection.ts";
import { Listener } from "../postgres/listener.ts";
import { examine, shown } from "./copies.ts";
import type { Line } from "./diagnosis.ts";
import type { Place } from "./place.ts";

const patienceMs = 5_000;
/** The oldest PostgreSQL that is tried. */
const oldestVersion = 15;
/** Connections that a process may have at once: those for statements, the Bus, the lease, and what listens. */
const connectionsOfProcess = 16;
const channel = "parlor_doctor";

const fine = (text: string): Line => ({ kind: "fine", text });
const better = (text: string): Line => ({ kind: "better", text });
const wrong = (text: string): Line => ({ kind: "wrong", text });

/** Whether the house is damaged. */
export async function soundness(place: Place): Promise<Line> {
  try {
    const { faults, holds } = await examine(place);
    return faults.length === 0
      ? fine(`${shown(place)} is sound${holds}`)
      : wrong(`${shown(place)} is damaged: ${faults.slice(0, 3).join("; ")}`);
  } catch (error) {
    return wrong((error as Error).message);
  }
}

/** A PostgreSQL, and the house in it. */
export async function ofDatabase(place: Place, url: string): Promise<Line[]> {
  const connection = new Connection(url, { connectMs: patienceMs, statementMs: patienceMs });
  try {
    const lines = await ofServer(connection, shown(place));
    lines.push(await ofNotifications(url, connection, shown(place)));
    const table = "select to_regclass('schema_version') is not null as is_there";
    const isThere = (await connection.query(table)).rows[0]?.["is_there"] === true;
    const empty = `${shown(place)}: no house is there yet; parlor makes it at its first start`;
    return [...lines, isThere ? await soundness(place) : fine(empty)];
  } catch (error) {
    return [wrong(`${shown(place)}: PostgreSQL can't be used: ${(error as Error).message}`)];
  } finally {
    await connection.close();
  }
}

async function ofServer(connection: Connection, name: string): Promise<Line[]> {
  const { rows } = await connection.query(`select current_setting('server_version') as version,
    current_setting('server_encoding') as encoding, lower('Ä') = 'ä' as has_letters, current_setting('max_connections')::int as connections,
    (select count(*) from pg_available_extensions where name = 'pg_trgm') as trigrams`);
  const [row = {}] = rows;
  const { version, encoding } = row as Record<"version" | "encoding", string>;
  const lines: Line[] = [
    Number.parseInt(version, 10) >= oldestVersion
      ? fine(`${name}: PostgreSQL ${version}`)
      : wrong(`${name}: PostgreSQL ${version} is too old; parlor needs ${oldestVersion} or newer`),
  ];
  if (encoding !== "UTF8")
    lines.push(wrong(`${name}: its encoding is ${encoding}; make a database with encoding UTF8`));
  if (row["has_letters"] !== true)
    lines.push(wrong(`${name}: its locale has no letters but those of ASCII; make it with locale 'C.UTF-8'`));
  if (Number(row["trigrams"]) === 0)
    lines.push(wrong(`${name}: the extension pg_trgm is missing; it comes with postgresql-contrib`));
  const processes = Math.floor(Number(row["connections"]) / connectionsOfProcess);
  if (processes < 3)
    lines.push(
      better(
        `${name}: max_connections ${row["connections"]} is enough for ${processes} parlors, which take up to ` +
          `${connectionsOfProcess} each`,
      ),
    );
  return lines;
}

/** Whether a notification arrives: through some poolers it does not, and no error says so. */
async function ofNotifications(url: string, connection: Connection, name: string): Promise<Line> {
  const { promise: heard, resolve } = Promise.withResolvers<boolean>();
  const timer = setTimeout(resolve, patienceMs, false);
  const hearing = { heard: () => resolve(true), missed: () => undefined };
  const listener = await Listener.open(url, channel, hearing).catch(() => null);
  try {
    await connection.query("select pg_notify($1, '')", [channel]);
    return listener !== null && (await heard)
      ? fine(`${name}: notifications arrive`)
      : wrong(
          `${name}: notifications don't arrive, as through a pooler that lends connections for a transaction; ` +
            "name PostgreSQL itself with --db",
        );
  } finally {
    clearTimeout(timer);
    await listener?.close();
  }
}
