// The part of `parlor doctor` about models that don't chat: whether the servers that embed and rank do so,
// and take texts that are as long as passages. Changes nothing.

import { existsSync } from "node:fs";
import type { Config } from "../config/config.ts";
import type { Purpose } from "../domain/upstream.ts";
import { dropBody, jsonOf, type Request, send, targetOf } from "../upstream/http.ts";
import { specialModels } from "../upstream/models.ts";
import type { Line } from "./diagnosis.ts";

/** Time for one request, in ms: a model may have to be read from the disk. */
const patienceMs = 10_000;
/** A text of more tokens than a batch has unless it is told otherwise. */
const long = "word ".repeat(700);

const asks = {
  embed: {
    does: "embeds texts",
    flag: "--embeddings",
    option: "--embed-llama",
    path: "/v1/embeddings",
    body: (text: string) => ({ input: [text] }),
  },
  rerank: {
    does: "ranks texts",
    flag: "--reranking",
    option: "--rerank-llama",
    path: "/v1/rerank",
    body: (text: string) => ({ query: "word", documents: [text] }),
  },
} as const;

/** Findings about the servers and models that were named, and about models of routers at `chats`. */
export async function ofSpecialServers(
  chats: readonly string[],
  { embedding, reranking, llamaApiKey }: Config,
): Promise<Line[]> {
  const sources = [["embed", embedding] as const, ["rerank", reranking] as const];
  const found = await Promise.all([
    ...chats.map((url) => ofRouter(url, llamaApiKey)),
    ...sources.flatMap(([purpose, { llama }]) => llama.map((url) => ofServer(url, purpose, llamaApiKey))),
  ]);
  const missing = sources.flatMap(([, { model }]): Line[] =>
    model === null || existsSync(model) ? [] : [{ kind: "wrong", text: `there is no model at ${model}` }],
  );
  return [...found.flat(), ...missing];
}

async function ofRouter(address: string, key: string | null): Promise<Line[]> {
  const target = targetOf(address, key);
  const within = AbortSignal.timeout(patienceMs);
  const response = await send(target, { method: "GET", path: "/models" }, within).catch(() => null);
  const list = response && (await jsonOf(response, within).catch(() => null));
  return specialModels(list).map(({ name, purpose }) => ({
    kind: "fine",
    text: `${target.url}: its model ${name} ${asks[purpose].does}, and is not offered for conversations`,
  }));
}

async function ofServer(address: string, purpose: Purpose, key: string | null): Promise<Line[]> {
  const target = targetOf(address, key);
  const { does, flag, option, path, body } = asks[purpose];
  const status = async (text: string) => {
    const headers = { "content-type": "application/json" };
    const request: Request = { method: "POST", path, headers, body: JSON.stringify(body(text)) };
    const response = await send(target, request, AbortSignal.timeout(patienceMs)).catch(() => null);
    if (response) await dropBody(response);
    return response?.status ?? null;
  };
  const short = await status("word");
  if (short === null)
    return [{ kind: "better", text: `${target.url}: no llama-server answers that ${option} could use` }];
  if (short !== 200)
    return [
      { kind: "better", text: `${target.url}: it answers ${short}; ${option} needs llama-server ${flag}` },
    ];
  const fine: Line = { kind: "fine", text: `${target.url}: it ${does}` };
  if ((await status(long)) !== 500) return [fine];
  const text = `${target.url}: longer texts are cut, since they don't fit in one batch: -b 2048 -ub 2048`;
  return [fine, { kind: "better", text }];
}
