// The llama-servers of a configuration: those that were named, and one of our own for each model.

import { FollowedUpstream } from "../cluster/followed-upstream.ts";
import { CommandError } from "../config/arguments.ts";
import type { Config } from "../config/config.ts";
import { options } from "../config/options.ts";
import type { Log } from "../telemetry/log.ts";
import { LlamaChild } from "../upstream/child.ts";
import { openLlama } from "../upstream/llama.ts";
import { LlamaEmbedder } from "../upstream/llama-embedder.ts";
import { LlamaReranker } from "../upstream/llama-reranker.ts";
import { Pool } from "../upstream/pool.ts";
import { findLlamaServer } from "../upstream/process.ts";
import type { ChatServers } from "../upstream/specialists.ts";

/**
 * The llama-server program for the models that parlor starts; null if there are none.
 * @throws CommandError when it is missing, or a model is
 */
export async function findProgram(config: Config): Promise<string | null> {
  const { llamaServer, embedding, reranking } = config;
  const models = [...config.models, embedding.model ?? [], reranking.model ?? []].flat();
  if (models.length === 0) return null;
  const program = findLlamaServer(llamaServer, process.execPath, process.env["PATH"] ?? "");
  if (program === null) {
    const place = llamaServer ? `at ${llamaServer}` : "beside parlor or in PATH";
    throw new CommandError(`there is no llama-server ${place}; name one with --llama-server PATH`, 1);
  }
  for (const model of models)
    if (!(await Bun.file(model).exists())) throw new CommandError(`there is no model at ${model}`, 1);
  return program;
}

/**
 * Starts and watches all of them.
 * @param program what `findProgram` has found
 */
export function openServers(config: Config, program: string | null, log: Log) {
  const upstream = openUpstream(config, program, log);
  return { upstream, ...openSpecials(config, program, log, upstream) };
}

/**
 * The same for a process of several: the servers for conversations are used once it leads.
 * @param mayEnd see SlotServer
 */
export function openServersLater(config: Config, log: Log, mayEnd: () => boolean) {
  const upstream = new FollowedUpstream(() => openUpstream(config, null, log, mayEnd));
  const chats: ChatServers = {
    get state() {
      return upstream.state;
    },
    get servers() {
      return upstream.servers;
    },
    get ready() {
      return upstream.own?.ready ?? [];
    },
    watch: (listener) => upstream.watch(listener),
  };
  return { upstream, ...openSpecials(config, null, log, chats) };
}

function openSpecials(config: Config, program: string | null, log: Log, chats: ChatServers) {
  return {
    embedder: new LlamaEmbedder("embed", openSpecial("embedding", config, program, log), chats),
    reranker: new LlamaReranker("rerank", openSpecial("reranking", config, program, log), chats),
  };
}

function openUpstream(config: Config, program: string | null, log: Log, mayEnd?: () => boolean): Pool {
  const { bounds, models, llama, llamaArgs: args, llamaApiKey: apiKey } = config;
  const open = (url: string, child?: LlamaChild) =>
    openLlama({ url, apiKey, log, ...bounds, ...(child && { child }), ...(mayEnd && { mayEnd }) });
  const start = (model: string) => {
    const options = { ...bounds, args, apiKey, log, endMs: bounds.graceMs };
    return new LlamaChild({ ...options, program: program as string, model });
  };
  const own = models.map(start).map((child) => open(child.url, child));
  return new Pool({ open, log }, llama.length + own.length > 0 ? llama : [options.llama.default], own);
}

/**
 * Arguments of a llama-server whose model does not chat. A text must fit in one batch: with the usual 512
 * tokens, one that is longer fails with all that came with it.
 */
const specialArgs = {
  embedding: ["--embeddings", "-b", "2048", "-ub", "2048"],
  reranking: ["--reranking", "-b", "2048", "-ub", "2048"],
} as const;

/** The servers of a model that does not chat; null where none was named. */
function openSpecial(
  purpose: keyof typeof specialArgs,
  config: Config,
  program: string | null,
  log: Log,
): Pool | null {
  const { bounds, llamaApiKey: apiKey } = config;
  const { llama, model } = config[purpose];
  if (llama.length === 0 && model === null) return null;
  const open = (url: string, child?: LlamaChild) =>
    openLlama({ url, apiKey, log, ...bounds, isSpecial: true, ...(child && { child }) });
  const started = { ...bounds, args: specialArgs[purpose], apiKey, log, endMs: bounds.graceMs };
  const child = model === null ? null : new LlamaChild({ ...started, program: program as string, model });
  return new Pool({ open, log }, llama, child ? [open(child.url, child)] : []);
}
