// What the leader answers to the other processes over HTTP. The gate has checked their key.

import type { Membership } from "../cluster/cluster.ts";
import { Failure } from "../domain/failure.ts";
import type { RunHost } from "../runs/host.ts";
import type { Leading } from "./leading.ts";

interface ClusterEndpointsDependencies {
  readonly membership: Pick<Membership, "isLeading">;
  readonly runs: Pick<RunHost, "live" | "ended">;
  /** Null while this process does not lead. */
  leading(): Pick<Leading, "state"> | null;
}

/** Longest wait for the end of a Run before the other process must ask again, in ms. */
const endedWithinMs = 1_000;

/**
 * Answers a request for a path below /cluster.
 * @throws Failure `no_leader` while this process does not lead, `not_found` for an unknown path
 */
export async function answerProcess(
  { pathname, searchParams }: Pick<URL, "pathname" | "searchParams">,
  { membership, runs, leading }: ClusterEndpointsDependencies,
): Promise<Response> {
  const state = leading()?.state;
  if (!membership.isLeading || !state) throw new Failure("no_leader");
  const conversation = searchParams.get("c") ?? "";
  if (pathname === "/cluster/state") return Response.json(state);
  if (pathname === "/cluster/live") return Response.json(await runs.live(conversation));
  if (pathname !== "/cluster/ended") throw new Failure("not_found");
  const tooLong = Bun.sleep(endedWithinMs).then(() => false);
  return Response.json(await Promise.race([runs.ended(conversation).then(() => true), tooLong]));
}
