// Health, readiness and metrics, for orchestrators and monitoring.

import { Hono } from "hono";
import { isSameSecret } from "../auth/secrets.ts";
import type { Membership } from "../cluster/cluster.ts";
import type { AddressSet } from "../domain/address.ts";
import { Failure } from "../domain/failure.ts";
import { startAdvice, type UpstreamState } from "../domain/upstream.ts";
import type { Runs } from "../runs/runs.ts";
import type { Store } from "../store/store.ts";
import type { Metrics } from "../telemetry/metrics.ts";
import type { Env } from "./visitor.ts";

export interface OpsDependencies {
  /** Number of Runs and API requests by state. */
  load(): Runs["load"];
  readonly store: Pick<Store, "probe">;
  readonly metrics: Metrics;
  /**
   * The bearer token for addresses that are not in `metricsAllow`; null: only those in `metricsAllow` may
   * look.
   */
  readonly metricsToken: string | null;
  /** Addresses that may look without a token. */
  readonly metricsAllow: AddressSet;
  upstream(): UpstreamState;
  /** Null where this process is alone. */
  readonly membership: Membership | null;
}

/** Health paths: they answer with any Host header, since probes send odd ones or none. */
export const isHealthPath = (pathname: string): boolean => pathname === "/healthz" || pathname === "/readyz";

export function opsRoutes({
  load,
  store,
  metrics,
  metricsToken,
  metricsAllow,
  upstream,
  membership,
}: OpsDependencies): Hono<Env> {
  const app = new Hono<Env>();
  // HAProxy checks with OPTIONS unless its configuration names another method
  const probeMethods = ["GET", "OPTIONS"];
  app.on(probeMethods, "/healthz", (c) => c.json({ status: "ok" }));

  app.on(probeMethods, "/readyz", async (c) => {
    const { status, slots, model, progress } = upstream();
    const storeFault = await store.probe().then(
      () => null,
      (error: unknown) => String(error),
    );
    const reasons = [
      ...(storeFault === null ? [] : [`the store can't be written: ${storeFault}`]),
      ...(status === "ready" ? [] : [waitingFor(status, progress)]),
      ...(membership?.leader === null ? ["no process leads"] : []),
    ];
    const led = membership && { leader: membership.leader, term: membership.term };
    return reasons.length === 0
      ? c.json({ status: "ready", upstream: { model, slots }, ...load(), ...led })
      : c.json({ status: "waiting", reasons, ...led }, 503);
  });

  app.get("/metrics", async (c) => {
    const { address } = c.env.client;
    // behind a proxy that is not trusted, everybody seems to come from the proxy's address
    const isForwarded =
      !c.env.client.isProxied && (c.req.header("x-forwarded-for") ?? c.req.header("forwarded")) !== undefined;
    const isListed = metricsAllow.has(address) && !isForwarded;
    if (!isListed && !isToken(c.req.header("authorization"), metricsToken)) throw new Failure("not_found");
    c.header("content-type", "text/plain; version=0.0.4; charset=utf-8");
    return c.body(await metrics.text());
  });

  return app;
}

function waitingFor(status: UpstreamState["status"], progress: UpstreamState["progress"]): string {
  if (progress?.failure !== undefined)
    return `llama-server cannot be started: ${progress.line}. ${startAdvice[progress.failure]}`;
  return status === "loading"
    ? `llama-server is loading${progress?.line ? `: ${progress.line}` : ""}`
    : "no llama-server answers";
}

const isToken = (authorization: string | undefined, token: string | null): boolean =>
  token !== null && authorization !== undefined && isSameSecret(authorization, `Bearer ${token}`);
