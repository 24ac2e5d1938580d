// Which llama-servers are used: those that were named on the command line, or those that the operator has chosen since. Used by app and the operator's page.

import { Failure } from "../domain/failure.ts";
import type { UpstreamState } from "../domain/upstream.ts";
import type { Ledger } from "../store/accounts.ts";
import type { Upstreams } from "../upstream/upstream.ts";

/** More are no house any more. */
const serversMax = 64;

export class Servers {
  readonly #upstreams: Upstreams;
  readonly #ledger: Pick<Ledger, "setting" | "set">;
  /** Named on the command line: nobody chooses others while parlor runs. */
  readonly areFixed: boolean;

  constructor(upstreams: Upstreams, ledger: Pick<Ledger, "setting" | "set">, areFixed: boolean) {
    this.#upstreams = upstreams;
    this.#ledger = ledger;
    this.areFixed = areFixed;
  }

  /** Uses what the operator chose when parlor last ran. */
  async restore(): Promise<void> {
    const kept = this.areFixed ? null : await this.#ledger.setting("llama");
    if (kept !== null) this.#upstreams.use(JSON.parse(kept) as string[]);
  }

  get now(): readonly UpstreamState[] {
    return this.#upstreams.servers;
  }

  logOf(url: string): readonly string[] {
    return this.#upstreams.logOf(url);
  }

  /** @throws Failure `bad_address`, `bad_request` */
  async add(typed: string): Promise<void> {
    const url = URL.parse(typed.trim());
    if (!url || !/^https?:$/.test(url.protocol)) throw new Failure("bad_address", { address: typed.slice(0, 200) });
    await this.#use([...new Set([...this.#foreign, url.href.replace(/\/+$/, "")])]);
  }

  /** @throws Failure `not_found` */
  async remove(url: string): Promise<void> {
    if (!this.#foreign.includes(url)) throw new Failure("not_found");
    await this.#use(this.#foreign.filter((other) => other !== url));
  }

  get #foreign(): string[] {
    return this.now.filter(({ ours }) => !ours).map(({ url }) => url);
  }

  async #use(urls: readonly string[]): Promise<void> {
    if (this.areFixed || urls.length > serversMax) throw new Failure("bad_request", { detail: "llama" });
    await this.#ledger.set("llama", JSON.stringify(urls));
    this.#upstreams.use(urls);
  }
}
