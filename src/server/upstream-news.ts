// Shows the state of the llama-servers in metrics, in the log and on pages.

import { serverLog } from "../chat/servers.ts";
import type { Hub } from "../live/hub.ts";
import type { RunHost } from "../runs/host.ts";
import type { Log } from "../telemetry/log.ts";
import type { Metrics } from "../telemetry/metrics.ts";
import type { Upstreams } from "../upstream/upstream.ts";
import type { House } from "./house.ts";
import type { Sockets } from "./sockets.ts";

interface NewsDependencies {
  readonly upstream: Upstreams;
  readonly host: Pick<RunHost, "load">;
  readonly house: Pick<House, "several"> | null;
  readonly hub: Pick<Hub, "sendUpstream">;
  readonly sockets: Pick<Sockets, "counts">;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly bounds: { readonly slotsMax: number };
}

/** From now on, as long as the process runs. */
export function watchUpstream({
  upstream,
  host,
  house,
  hub,
  sockets,
  log,
  metrics,
  bounds,
}: NewsDependencies): void {
  const membership = house?.several ?? null;
  metrics.watch({
    queue: () =>
      membership?.isLeading === false
        ? null
        : { ...host.load, slots: upstream.state.slots, foreignSlots: upstream.state.foreignSlots },
    membership: () => membership,
    isUpstreamReady: () => upstream.state.status === "ready",
    servers: () => upstream.servers,
    sockets: () => sockets.counts,
  });
  const logNews = serverLog(log, bounds.slotsMax);
  upstream.watch((state) => {
    logNews(upstream.servers);
    hub.sendUpstream(state);
  });
}
