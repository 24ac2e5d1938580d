// The part of the table of options about llama-servers: those that are used, and those that parlor starts.

import type { Option } from "./options.ts";

export const llamaOptions = {
  llama: {
    flag: "llama",
    env: "PARLOR_LLAMA",
    value: "URL",
    default: "http://127.0.0.1:8080",
    doc: "a llama-server to use; each question goes to the one that can start to answer it first",
    repeatable: true,
    isUrl: true,
  },
  llamaApiKey: {
    flag: "llama-api-key",
    env: "PARLOR_LLAMA_API_KEY",
    value: "KEY",
    default: null,
    doc: "the --api-key of these llama-servers",
    isSecret: true,
  },
  model: {
    flag: "model",
    env: "PARLOR_MODEL",
    value: "FILE.gguf",
    default: null,
    doc: "start a llama-server with this model; one for each model that is named",
    repeatable: true,
  },
  llamaServer: {
    flag: "llama-server",
    env: "PARLOR_LLAMA_SERVER",
    value: "PATH",
    default: null,
    doc: "the llama-server program for --model, --embed-model and --rerank-model (default: the one beside parlor, then the one in PATH)",
  },
  llamaArg: {
    flag: "llama-arg",
    env: "PARLOR_LLAMA_ARGS",
    value: "ARG",
    default: null,
    doc: "an argument for the llama-servers of --model",
    repeatable: true,
  },
  embedLlama: {
    flag: "embed-llama",
    env: "PARLOR_EMBED_LLAMA",
    value: "URL",
    default: null,
    doc: "a llama-server that embeds texts (llama-server --embeddings): documents are found by meaning, too",
    repeatable: true,
    isUrl: true,
  },
  embedModel: {
    flag: "embed-model",
    env: "PARLOR_EMBED_MODEL",
    value: "FILE.gguf",
    default: null,
    doc: "start a llama-server with this model that embeds texts",
  },
  rerankLlama: {
    flag: "rerank-llama",
    env: "PARLOR_RERANK_LLAMA",
    value: "URL",
    default: null,
    doc: "a llama-server that ranks texts by a question (llama-server --reranking): it orders what was found",
    repeatable: true,
    isUrl: true,
  },
  rerankModel: {
    flag: "rerank-model",
    env: "PARLOR_RERANK_MODEL",
    value: "FILE.gguf",
    default: null,
    doc: "start a llama-server with this model that ranks texts",
  },
} as const satisfies Record<string, Option>;
