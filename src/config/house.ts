// The options of config/house-options as one value: where a house of several processes keeps what it has,
// and how its processes reach each other.

import { withoutSecrets } from "../domain/upstream.ts";
import { UsageError } from "./arguments.ts";
import { houseOptions } from "./house-options.ts";
import type { Option } from "./options.ts";

export interface HouseConfig {
  /** Address of PostgreSQL, with its credentials. */
  readonly database: string;
  /** Address of Redis; null: the database carries events. */
  readonly bus: string | null;
  /** null: there is no other process. */
  readonly cluster: { readonly url: string; readonly key: string } | null;
}

const keyMinChars = 16;

/**
 * What the options say; null for an SQLite file and one process.
 * @param startsServers parlor is to start llama-servers of its own
 * @throws UsageError
 */
export function houseOf(one: (option: Option) => string | null, startsServers: boolean): HouseConfig | null {
  const [database, bus] = [one(houseOptions.db), one(houseOptions.bus)];
  const [url, key] = [one(houseOptions.clusterUrl), one(houseOptions.clusterKey)];
  if (database === null) {
    const idle = Object.values<Option>(houseOptions).find((option) => one(option) !== null);
    if (idle) throw new UsageError(`--${idle.flag} is for several parlors on one database: give --db, too`);
    return null;
  }
  check(houseOptions.db, database, /^postgres(ql)?:$/, "postgres://USER@HOST/NAME");
  if (bus !== null) check(houseOptions.bus, bus, /^rediss?:$/, "redis://HOST:PORT");
  if ((url === null) !== (key === null))
    throw new UsageError("several parlors need both: --cluster-url URL and --cluster-key KEY");
  if (url === null || key === null) return { database, bus, cluster: null };
  if (key.length < keyMinChars)
    throw new UsageError(`--cluster-key is too short; allowed is at least ${keyMinChars} characters`);
  if (startsServers)
    throw new UsageError(
      "with --cluster-url, parlor starts no llama-server of its own: the process that leads changes. " +
        "Start llama-server beside them and name it with --llama",
    );
  return { database, bus, cluster: { url: url.replace(/\/+$/, ""), key } };
}

function check({ flag }: Option, value: string, protocol: RegExp, example: string): void {
  const url = URL.parse(value);
  if (!url || !protocol.test(url.protocol) || url.hostname === "")
    throw new UsageError(`--${flag} ${withoutSecrets(value)} can't be used; allowed is ${example}`);
}
