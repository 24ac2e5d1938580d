// The addresses of the OpenAI and Anthropic APIs that parlor serves, what each needs, and the refusals for
// other addresses.

import type { KeyScope } from "../domain/account.ts";
import { Failure } from "../domain/failure.ts";
import type { Purpose } from "../domain/upstream.ts";

export interface ApiRoute {
  readonly method: "GET" | "POST";
  readonly scope: KeyScope;
  /** The request needs no slot. */
  readonly needsNoSlot?: true;
  /** The model generates an answer. */
  readonly isAnswer?: true;
  /** Servers with a model for this answer it, where there are some. */
  readonly purpose?: Purpose;
  /** Fields that can hold several prompts, each of which takes a slot. */
  readonly prompts?: readonly string[];
}

const answer = { method: "POST", scope: "answers", isAnswer: true } as const;
const completion = { ...answer, prompts: ["prompt"] } as const;
const count = { method: "POST", scope: "answers", needsNoSlot: true } as const;
const embedding = {
  method: "POST",
  scope: "embeddings",
  purpose: "embed",
  prompts: ["input", "content"],
} as const;
const reranking = { method: "POST", scope: "embeddings", purpose: "rerank" } as const;
const models = { method: "GET", scope: "answers", needsNoSlot: true } as const;

/**
 * Served paths, passed on unchanged. llama-server serves those without /v1 as well, for base URLs that lack
 * it.
 */
const routes: Readonly<Record<string, ApiRoute>> = {
  "/v1/chat/completions": answer,
  "/v1/completions": completion,
  "/v1/responses": answer,
  "/v1/messages": answer,
  "/v1/messages/count_tokens": count,
  "/v1/chat/completions/input_tokens": count,
  "/v1/responses/input_tokens": count,
  "/v1/embeddings": embedding,
  "/v1/rerank": reranking,
  "/v1/reranking": reranking,
  "/v1/models": models,
  "/chat/completions": answer,
  "/chat/completions/input_tokens": count,
  "/completion": completion,
  "/completions": completion,
  "/responses": answer,
  "/embedding": embedding,
  "/embeddings": embedding,
  "/rerank": reranking,
  "/reranking": reranking,
  "/models": models,
};

/** Address of one model. */
const modelPrefix = /^(?:\/v1)?\/models\/(.+)$/;

/** Beginnings of API base URLs. */
const apiPrefix = /^\/(v\d\w*|api|openai|anthropic)(\/|$)/;
/** Endings of served paths, also misspelt in number. */
const apiEnding =
  /\/(chat\/completions?|completions?|embeddings?|rerank(ing)?|responses?|messages?|count_tokens)$/;

/** The path without doubled slashes, which come from joined base URLs, and without a slash at the end. */
export const withoutExtraSlashes = (pathname: string): string =>
  pathname.replace(/\/{2,}/g, "/").replace(/(?<=.)\/$/, "");

/** True for addresses that only API clients use. */
export function isApiPath(pathname: string): boolean {
  return (
    Object.hasOwn(routes, pathname) ||
    modelPrefix.test(pathname) ||
    ((apiPrefix.test(pathname) || apiEnding.test(pathname)) && !/^\/[cs]\//.test(pathname))
  );
}

/** The model name in an address; null if it is not the address of a model. */
export function modelAt(pathname: string): string | null {
  const [, name] = modelPrefix.exec(pathname) ?? [];
  try {
    return name === undefined ? null : decodeURIComponent(name);
  } catch {
    return name ?? null;
  }
}

/**
 * The route of an address. HEAD counts as GET.
 * @throws Failure `no_such_address` with the nearest served address, `wrong_method` with the right method
 */
export function routeOf(pathname: string, method: string, basePath: string): ApiRoute {
  const found =
    modelAt(pathname) === null ? (Object.hasOwn(routes, pathname) ? routes[pathname] : undefined) : models;
  if (!found)
    throw new Failure("no_such_address", {
      path: `${method} ${shortened(basePath + pathname)}`,
      known: suggestionsFor(pathname, basePath),
    });
  const asked = method === "HEAD" ? "GET" : method;
  if (asked !== found.method)
    throw new Failure("wrong_method", { path: shortened(basePath + pathname), method: found.method });
  return found;
}

/** Suggestions for an unknown address: served ones with the same ending, otherwise all with /v1. */
function suggestionsFor(pathname: string, basePath: string): string {
  const withVersion = Object.entries(routes).filter(([path]) => path.startsWith("/v1/"));
  // the longest with the same ending: /v1/v1/messages, /openai/v1/chat/completions; a final "s" is ignored
  const plain = (path: string) => path.replace(/s$/, "");
  const alike = withVersion
    .filter(([path]) => plain(pathname).endsWith(plain(path.slice("/v1".length))))
    .sort(([a], [b]) => b.length - a.length);
  return (alike.length > 0 ? alike.slice(0, 1) : withVersion)
    .map(([path, { method }]) => `${method} ${basePath}${path}`)
    .join(", ");
}

/** A path from a client, cut for messages. */
const shortened = (path: string): string => path.slice(0, 200);
