// How a program is refused: a status, and words in the form that it expects. Used by text/ and app.

import { sentenceOf, wordsOf } from "../../views/words.ts";
import type { Failure, FailureCode } from "../domain/failure.ts";

/** The status with which a program is refused. The clients of OpenAI and Anthropic ask again by themselves at 408, 409, 429 and from 500 on: these are for what may go better then. */
const statusOf: Readonly<Record<FailureCode, number>> = {
  upstream_absent: 503,
  upstream_loading: 503,
  upstream_unauthorized: 502,
  upstream_refused: 400,
  upstream_error: 502,
  upstream_cut: 502,
  upstream_stalled: 504,
  upstream_garbled: 502,
  upstream_line_too_long: 502,
  answer_too_long: 502,
  model_missing: 404,
  model_failed: 422,
  context_overflow: 400,
  context_full: 400,
  persona_missing: 404,
  persona_broken: 503,
  persona_enforced: 403,
  bad_setting: 422,
  store_unwritable: 503,
  store_damaged: 503,
  message_empty: 400,
  message_too_long: 413,
  conversation_busy: 409,
  queue_full: 429,
  too_many_waiting: 429,
  runs_limit: 429,
  tokens_limit: 429,
  not_found: 404,
  conversation_removed: 404,
  bad_frame: 400,
  bad_request: 400,
  import_busy: 409,
  import_slow: 422,
  too_large: 413,
  unsupported_encoding: 415,
  bodies_full: 503,
  body_slow: 408,
  no_such_address: 404,
  wrong_method: 405,
  too_many_sockets: 429,
  foreign_origin: 403,
  unknown_host: 421,
  shutting_down: 503,
  stopped: 403,
  not_signed_in: 401,
  bad_key: 401,
  key_scope: 403,
  not_admin: 403,
  wrong_password: 401,
  too_many_attempts: 429,
  proxy_untrusted: 403,
  person_removed: 403,
  name_taken: 422,
  bad_name: 400,
  bad_password: 422,
  bad_limit: 422,
  bad_address: 422,
  last_admin: 422,
  provider_failed: 502,
  provider_down: 502,
  provider_denied: 403,
  provider_lost: 400,
  read_only: 403,
  internal: 500,
};

export const programStatusOf = ({ code }: Failure): number => statusOf[code];

export type Dialect = "openai" | "anthropic";

/** Anthropic's programs name their version with every request. */
export const dialectOf = (pathname: string, headers: Headers): Dialect =>
  /\/messages(\/|$)/.test(pathname) || headers.has("anthropic-version") ? "anthropic" : "openai";

/** An error within a stream. */
export const eventOf = (json: string, dialect: Dialect): string =>
  `${dialect === "anthropic" ? "event: error\n" : ""}data: ${json.replace(/\s*\n\s*/g, " ")}\n\n`;

/** Seconds after which a program that was refused may come again; null where that would change nothing. */
export function comeAgainSeconds(failure: Failure): number | null {
  const status = programStatusOf(failure);
  // where nothing better is known: a minute is what the sentence says of a full line; a llama-server is back within seconds
  return status === 429 ? Number(failure.facts["seconds"] ?? 60) : status === 503 ? 5 : null;
}

/** Names of kinds of errors, as both dialects use them. */
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
  const status = programStatusOf(failure);
  const message = sentenceOf(failure.report, wordsOf("en"));
  const type = kinds[status] ?? (dialect === "anthropic" ? "api_error" : "server_error");
  return JSON.stringify(dialect === "anthropic" ? { type: "error", error: { type, message } } : { error: { code: failure.code, message, type, param: null } });
}

/** A refusal as programs that ask at this address expect it. */
export function programRefusal(failure: Failure, dialect: Dialect, more: Readonly<Record<string, string>> = {}): Response {
  const status = programStatusOf(failure);
  const headers: Record<string, string> = {
    ...more,
    "content-type": "application/json; charset=utf-8",
    "cache-control": "no-store",
  };
  const seconds = comeAgainSeconds(failure);
  if (seconds !== null) headers["retry-after"] = String(seconds);
  if (failure.code === "wrong_method") headers["allow"] = failure.facts["method"] === "GET" ? "GET, HEAD" : "POST";
  if (failure.code === "body_slow") headers["connection"] = "close"; // the rest of the body may never come
  return new Response(refusalText(failure, dialect), { status, headers });
}
