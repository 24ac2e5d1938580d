// Opens what a house on PostgreSQL consists of: its store, its Bus, and this process as one of several.

import { postgresBus } from "../bus/postgres.ts";
import { redisBus } from "../bus/redis.ts";
import { Cluster } from "../cluster/membership.ts";
import type { Config } from "../config/config.ts";
import type { HouseConfig } from "../config/house.ts";
import { openPostgres, withoutPassword } from "../store/postgres.ts";
import type { Log } from "../telemetry/log.ts";
import type { Metrics } from "../telemetry/metrics.ts";
import { bypassProxyFor, fetchesMax } from "../upstream/http.ts";
import { openServersLater } from "./servers.ts";

/** Fetches that are never used for what is passed on to other processes. */
const ownFetches = 56;
/** Exit code of a process that another one has followed as leader: a supervisor starts it again. */
const deposedCode = 75;

/**
 * @param version of parlor
 * @throws StoreUnusable, or an error of the Bus
 */
export async function openHouse(
  config: Config,
  { database, bus: busUrl, cluster: several }: HouseConfig,
  { log, metrics, version }: { log: Log; metrics: Metrics; version: string },
) {
  let cluster: Cluster | null = null;
  const ownTerm = () => cluster?.ownTerm ?? 0;
  const deposed = () => {
    if (cluster?.isEnding) return; // a last write came after the next leader
    log.error("another process leads now; this one ends", { term: ownTerm() });
    process.exit(deposedCode);
  };
  const store = await openPostgres(database, {
    stored: (ms) => metrics.stored(ms),
    damaged: (line) => log.error(line),
    lacks: (line) => log.info(line),
    term: ownTerm,
    deposed,
  });
  const bus = busUrl === null ? await postgresBus(database) : await redisBus(busUrl);
  cluster = new Cluster({
    ...{ database, version, bus, log, deposed },
    ...{ id: crypto.randomUUID(), url: several?.url ?? "", leaseMs: config.bounds.leaseMs },
    // processes of one house reach each other directly
    met: (url) => bypassProxyFor([new URL(url).hostname.replace(/^\[|\]$/g, "")]),
  });
  const member = cluster;
  const servers = openServersLater(config, log, () => member.isHeld);
  return {
    ...{ store, bus, servers, kept: withoutPassword(database) },
    house: {
      ...{ cluster, upstream: servers.upstream, key: several?.key ?? null },
      passedMax: fetchesMax() - ownFetches,
    },
  };
}
