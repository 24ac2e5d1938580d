// When a person may do less than before (removed, signed out, a key revoked), everything that they have open
// ends: sockets, Runs, and answers to programs.

import type { Queue } from "../runs/queue.ts";
import type { Runs } from "../runs/runs.ts";
import type { Store } from "../store/store.ts";
import type { ProgramEndpoints } from "./program-endpoints.ts";
import type { Sockets } from "./sockets.ts";

interface RevocationDependencies {
  readonly store: Pick<Store, "people">;
  readonly runs: Pick<Runs, "stop">;
  readonly queue: Pick<Queue, "now">;
  readonly sockets: Pick<Sockets, "recheckAccess">;
  readonly programs: Pick<ProgramEndpoints, "recheckAccess">;
  bug(error: unknown): void;
}

/** Checks everything that is open each time rights change. Returns what ends the watching. */
export function watchRevocation(dependencies: RevocationDependencies): () => void {
  const { store, sockets, programs, bug } = dependencies;
  return store.people.watch(() => {
    sockets.recheckAccess();
    stopRunsOfRemoved(dependencies).catch(bug);
    programs.recheckAccess().catch(bug);
  });
}

/** Stops the Runs of people who were removed. */
export async function stopRunsOfRemoved({
  store,
  runs,
  queue,
}: Pick<RevocationDependencies, "store" | "runs" | "queue">): Promise<void> {
  for (const owner of new Set(queue.now.map((run) => run.owner)))
    if ((await store.people.person(owner))?.removedAt !== null) runs.stop({ owner });
}
