// The states of several llama-servers as one state, for pages and the queue. Pure.

import type { ModelState, UpstreamState } from "../domain/upstream.ts";

/** One state for several servers: slots are summed, the smallest context counts, the best status is shown. */
export function aggregate(servers: readonly UpstreamState[]): UpstreamState {
  const [first] = servers;
  if (servers.length === 1 && first) return first;
  const ready = servers.filter(({ status }) => status === "ready");
  const known = ready.length > 0 ? ready : servers;
  const shown = ready[0] ?? servers.find(({ status }) => status === "loading") ?? first;
  const contexts = known.flatMap(({ contextTokens }) => contextTokens ?? []);
  const models = new Map<string, ModelState>();
  for (const each of known.flatMap((server) => server.models))
    if (models.get(each.name)?.status !== "loaded") models.set(each.name, each);
  const names = new Set(known.flatMap(({ model }) => model ?? []));
  return {
    status: shown?.status ?? "absent",
    url: shown?.url ?? "",
    slots: Math.max(1, sum(ready, "slots")),
    foreignSlots: sum(ready, "foreignSlots"),
    contextTokens: contexts.length > 0 ? Math.min(...contexts) : null,
    vision: common(known.map(({ vision }) => vision)),
    hearing: common(known.map(({ hearing }) => hearing)),
    model: names.size === 1 ? ([...names][0] ?? null) : null,
    models: [...models.values()],
    ours: servers.some(({ ours }) => ours),
    progress: shown?.progress ?? null,
  };
}

/** The value that all have; null where they differ. */
function common(values: readonly (boolean | null)[]): boolean | null {
  const [first = null] = values;
  return values.every((value) => value === first) ? first : null;
}

function sum(servers: readonly UpstreamState[], what: "slots" | "foreignSlots"): number {
  return servers.reduce((total, server) => total + server[what], 0);
}
