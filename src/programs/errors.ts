// Refusals of API requests: the HTTP status, and the body in the client's dialect.

import { sentenceOf, wordsOf } from "../../views/words.ts";
import { type Failure, statusOf } from "../domain/failure.ts";

export type Dialect = "openai" | "anthropic";

/** The dialect of a client: Anthropic's SDKs send `anthropic-version` with every request. */
export const dialectOf = (pathname: string, headers: Headers): Dialect =>
  /\/messages(\/|$)/.test(pathname) || headers.has("anthropic-version") ? "anthropic" : "openai";

/** An error as an event of a stream. */
export const eventOf = (json: string, dialect: Dialect): string =>
  `${dialect === "anthropic" ? "event: error\n" : ""}data: ${json.replace(/\s*\n\s*/g, " ")}\n\n`;

/** Value of Retry-After, in seconds; null when a retry would change nothing. */
export function retryAfterSeconds(failure: Failure): number | null {
  const status = statusOf(failure);
  // defaults: the sentence about a full queue says a minute; a llama-server is back within seconds
  return status === 429 ? Number(failure.facts["seconds"] ?? 60) : status === 503 ? 5 : null;
}

/** Error types by status, in both dialects. */
const kinds: Readonly<Record<number, string>> = {
  400: "invalid_request_error",
  401: "authentication_error",
  403: "permission_error",
  404: "not_found_error",
  405: "invalid_request_error",
  408: "timeout_error",
  413: "request_too_large",
  415: "invalid_request_error",
  429: "rate_limit_error",
};

export function refusalText(failure: Failure, dialect: Dialect): string {
  const status = statusOf(failure);
  const message = sentenceOf(failure.report, wordsOf("en"));
  const type = kinds[status] ?? (dialect === "anthropic" ? "api_error" : "server_error");
  return JSON.stringify(
    dialect === "anthropic"
      ? { type: "error", error: { type, message } }
      : { error: { code: failure.code, message, type, param: null } },
  );
}

/** A refusal in a dialect. `more` are additional headers. */
export function programRefusal(
  failure: Failure,
  dialect: Dialect,
  more: Readonly<Record<string, string>> = {},
): Response {
  const status = statusOf(failure);
  const headers: Record<string, string> = {
    ...more,
    "content-type": "application/json; charset=utf-8",
    "cache-control": "no-store",
  };
  const seconds = retryAfterSeconds(failure);
  if (seconds !== null) headers["retry-after"] = String(seconds);
  if (failure.code === "wrong_method")
    headers["allow"] = failure.facts["method"] === "GET" ? "GET, HEAD" : "POST";
  // the client may never send the rest of the body
  if (failure.code === "body_slow") headers["connection"] = "close";
  return new Response(refusalText(failure, dialect), { status, headers });
}
