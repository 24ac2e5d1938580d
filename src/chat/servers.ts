// Which llama-servers are used: those that were named on the command line, or those that the operator has
// chosen since.

import { Failure } from "../domain/failure.ts";
import { isString, parseJson } from "../domain/json.ts";
import {
  llamaAddress,
  type Purpose,
  type SpecialServer,
  startAdvice,
  type UpstreamState,
  withoutCredentials,
  withoutSecrets,
} from "../domain/upstream.ts";
import type { HouseSettings } from "../store/accounts.ts";
import type { Log } from "../telemetry/log.ts";
import type { SpecialServers } from "../upstream/meaning.ts";
import type { Upstreams } from "../upstream/upstream.ts";

/** Most llama-servers that can be configured. */
const serversMax = 64;

export class Servers {
  readonly #upstreams: Upstreams;
  readonly #special: Readonly<Record<Purpose, SpecialServers>>;
  readonly #settings: HouseSettings;
  /** True if they were named on the command line: then no others can be chosen while parlor runs. */
  readonly areFixed: boolean;
  /** Addresses with their credentials. `now` shows them without. */
  #addresses: readonly string[];

  /** `special` are those of models that don't chat; they can't be chosen here. */
  constructor(
    upstreams: Upstreams,
    special: Readonly<Record<Purpose, SpecialServers>>,
    settings: HouseSettings,
    areFixed: boolean,
  ) {
    this.#special = special;
    this.#upstreams = upstreams;
    this.#settings = settings;
    this.areFixed = areFixed;
    this.#addresses = upstreams.servers.filter(({ ours }) => !ours).map(({ url }) => url);
  }

  /** Uses the servers that the operator chose in an earlier process. */
  async restore(): Promise<void> {
    const kept = this.areFixed ? null : await this.#settings.get("llama");
    const addresses = kept === null ? null : parseJson(kept);
    if (!Array.isArray(addresses)) return;
    this.#addresses = addresses.filter(isString);
    this.#upstreams.use(this.#addresses);
  }

  get now(): readonly UpstreamState[] {
    return this.#upstreams.servers;
  }

  /** Servers of models that don't chat. */
  get special(): readonly SpecialServer[] {
    return (["embed", "rerank"] as const).flatMap((purpose) =>
      this.#special[purpose].servers.map((server) => ({ ...server, purpose })),
    );
  }

  logOf(url: string): readonly string[] {
    const { embed, rerank } = this.#special;
    return (
      [this.#upstreams, embed, rerank].map((each) => each.logOf(url)).find(({ length }) => length > 0) ?? []
    );
  }

  /** @throws Failure `bad_address`, `bad_request` */
  async add(typed: string): Promise<void> {
    const address = llamaAddress(typed);
    if (address === null) throw new Failure("bad_address", { address: withoutSecrets(typed).slice(0, 200) });
    const others = this.#addresses.filter(
      (other) => withoutCredentials(other) !== withoutCredentials(address),
    );
    await this.#use([...others, address]);
  }

  /** Removes the server that is shown as `url`. @throws Failure `not_found` */
  async remove(url: string): Promise<void> {
    const others = this.#addresses.filter((other) => withoutCredentials(other) !== url);
    if (others.length === this.#addresses.length) throw new Failure("not_found");
    await this.#use(others);
  }

  async #use(urls: readonly string[]): Promise<void> {
    if (this.areFixed || urls.length > serversMax) throw new Failure("bad_request", { detail: "llama" });
    await this.#settings.set("llama", JSON.stringify(urls));
    this.#addresses = urls;
    this.#upstreams.use(urls);
  }
}

/**
 * Logs changes of the llama-servers: a new status, the output of a server that parlor starts, and once when
 * they have more slots than `slotsMax`.
 */
export function serverLog(log: Log, slotsMax: number): (servers: readonly UpstreamState[]) => void {
  const logged = new Map<string, string>();
  let hadTooMany = false;
  return (servers) => {
    const slots = servers.reduce((sum, server) => sum + (server.status === "ready" ? server.slots : 0), 0);
    if (slots > slotsMax && !hadTooMany)
      log.warn("the llama-servers have more slots than --slots-max lets parlor use", { slots, slotsMax });
    hadTooMany = slots > slotsMax;
    for (const { status, url, slots, model, progress } of servers) {
      const news = `${status} ${progress?.failure ?? ""} ${progress?.line ?? ""}`;
      if (logged.get(url)?.split(" ")[0] !== status)
        log.info("llama-server is", { status, url, slots, model });
      if (logged.get(url) !== news && progress?.failure) {
        log.error("llama-server cannot be started", {
          url,
          cause: progress.line,
          advice: startAdvice[progress.failure],
        });
      } else if (logged.get(url) !== news && progress?.line && logged.get(url)?.startsWith(status)) {
        log.info("llama-server starts", { url, percent: progress.percent, line: progress.line });
      }
      logged.set(url, news);
    }
  };
}
