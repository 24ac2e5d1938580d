// A house in front of a scripted upstream that answers every question with "ok", until its script is changed.

import { type House, type HouseOptions, startHouse } from "../house.ts";
import { until } from "../llama/server.ts";
import { type Scripted, startScripted } from "../upstream/scripted.ts";

interface AnsweringHouse {
  readonly house: House;
  readonly upstream: Scripted;
  /** Stops both. */
  stop(): Promise<void>;
}

/** Starts both; resolves when the house sees its upstream. */
export async function startAnsweringHouse(options: Omit<HouseOptions, "llama">): Promise<AnsweringHouse> {
  const upstream = startScripted((exchange) => {
    exchange.begin();
    exchange.delta("ok");
    exchange.finish();
  });
  const house = await startHouse({ ...options, llama: upstream.url });
  await until(() => house.upstream.state.status === "ready", "the house sees its upstream");
  return {
    house,
    upstream,
    async stop() {
      await house.stop();
      upstream.stop();
    },
  };
}
