// Which addresses parlor serves to programs of OpenAI's and Anthropic's kind, what each needs, and what a
// program that asks elsewhere is told.

import type { KeyScope } from "../domain/account.ts";
import { Failure } from "../domain/failure.ts";

export interface Served {
  readonly method: "GET" | "POST";
  readonly scope: KeyScope;
  /** It is answered without a slot. */
  readonly isFree?: true;
  /** The model writes an answer. */
  readonly isAnswer?: true;
  /** The fields of which one can hold several prompts, each of which takes a slot. */
  readonly prompts?: readonly string[];
}

const answer = { method: "POST", scope: "answers", isAnswer: true } as const;
const completion = { ...answer, prompts: ["prompt"] } as const;
const count = { method: "POST", scope: "answers", isFree: true } as const;
const embedding = { method: "POST", scope: "embeddings", prompts: ["input", "content"] } as const;
const models = { method: "GET", scope: "answers", isFree: true } as const;

/** Passed on as they are: those without /v1, too, which llama-server serves for base addresses that lack it. */
const served: Readonly<Record<string, Served>> = {
  "/v1/chat/completions": answer,
  "/v1/completions": completion,
  "/v1/responses": answer,
  "/v1/messages": answer,
  "/v1/messages/count_tokens": count,
  "/v1/chat/completions/input_tokens": count,
  "/v1/responses/input_tokens": count,
  "/v1/embeddings": embedding,
  "/v1/models": models,
  "/chat/completions": answer,
  "/chat/completions/input_tokens": count,
  "/completion": completion,
  "/completions": completion,
  "/responses": answer,
  "/embedding": embedding,
  "/embeddings": embedding,
  "/models": models,
};

/** The address of one model is below this. */
const modelPrefix = /^(?:\/v1)?\/models\/(.+)$/;

/** Where only programs ask: what is served, what begins as programs' addresses do, and what ends as one that is served. */
const programArea =
  /^\/(v\d\w*|api|openai|anthropic)(\/|$)|\/(chat\/completions?|completions?|embeddings?|responses?|messages?|count_tokens)$/;

/** The path as it was meant: slashes that were doubled where two parts were joined, and one at the end, say nothing. */
export const joinedSlashes = (pathname: string): string =>
  pathname.replace(/\/{2,}/g, "/").replace(/(?<=.)\/$/, "");

/** Only programs ask at this address. */
export function isServedPath(pathname: string): boolean {
  return (
    Object.hasOwn(served, pathname) ||
    modelPrefix.test(pathname) ||
    (programArea.test(pathname) && !/^\/[cs]\//.test(pathname))
  );
}

/** The name of the model at an address; null where that is no model's. */
export function modelAt(pathname: string): string | null {
  const [, name] = modelPrefix.exec(pathname) ?? [];
  try {
    return name === undefined ? null : decodeURIComponent(name);
  } catch {
    return name ?? null;
  }
}

/**
 * What is served at an address. HEAD asks as GET does.
 * @throws Failure `no_such_address`, `wrong_method`, which name the address and the method that are right
 */
export function servedAt(pathname: string, method: string, basePath: string): Served {
  const found =
    modelAt(pathname) === null ? (Object.hasOwn(served, pathname) ? served[pathname] : undefined) : models;
  if (!found)
    throw new Failure("no_such_address", {
      path: `${method} ${shown(basePath + pathname)}`,
      known: knownFor(pathname, basePath),
    });
  const asked = method === "HEAD" ? "GET" : method;
  if (asked !== found.method)
    throw new Failure("wrong_method", { path: shown(basePath + pathname), method: found.method });
  return found;
}

/** What an address may have been meant for: those that end alike, else all with /v1. */
function knownFor(pathname: string, basePath: string): string {
  const withVersion = Object.entries(served).filter(([path]) => path.startsWith("/v1/"));
  // the longest that ends alike: /v1/v1/messages, /openai/v1/chat/completions; without an "s" at the end, too
  const plain = (path: string) => path.replace(/s$/, "");
  const alike = withVersion
    .filter(([path]) => plain(pathname).endsWith(plain(path.slice("/v1".length))))
    .sort(([a], [b]) => b.length - a.length);
  return (alike.length > 0 ? alike.slice(0, 1) : withVersion)
    .map(([path, { method }]) => `${method} ${basePath}${path}`)
    .join(", ");
}

/** A path that somebody else chose, within bounds. */
const shown = (path: string): string => path.slice(0, 200);
