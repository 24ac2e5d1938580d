// The llama-servers of a configuration: those that were named, and one of our own for each model.

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
  const embedder = new LlamaEmbedder("embed", openSpecial("embedding", config, program, log), upstream);
  const reranker = new LlamaReranker("rerank", openSpecial("reranking", config, program, log), upstream);
  return { upstream, embedder, reranker };
}

function openUpstream(config: Config, program: string | null, log: Log): Pool {
  const { bounds, models, llama, llamaArgs: args, llamaApiKey: apiKey } = config;
  const open = (url: string, child?: LlamaChild) =>
    openLlama({ url, apiKey, log, ...bounds, ...(child && { child }) });
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
