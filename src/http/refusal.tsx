// What a request that failed is answered: a status, and a sentence, as a page for browsers and as JSON for programs. Used by http/ and app.

import type { ContentfulStatusCode } from "hono/utils/http-status";
import { SentencePage } from "../../views/page.tsx";
import { languageOf, sentenceOf, wordsOf } from "../../views/words.ts";
import type { Failure, FailureCode } from "../domain/failure.ts";
import { assetPaths } from "./assets.ts";
import { htmlBelow } from "./base.ts";
import { securityHeaders } from "./guard.ts";

/** HTTP's word for a Failure; 500 for all that are not the caller's doing. */
const statusOf: Partial<Record<FailureCode, ContentfulStatusCode>> = {
  not_found: 404,
  bad_request: 400,
  bad_frame: 400,
  foreign_origin: 403,
  unknown_host: 421,
  too_large: 413,
  unsupported_encoding: 415,
  bodies_full: 503,
  import_busy: 409,
  import_slow: 422,
  body_slow: 408,
  not_signed_in: 401,
  bad_key: 401,
  key_scope: 403,
  not_admin: 403,
  wrong_password: 401,
  bad_name: 400,
  name_taken: 409,
  last_admin: 409,
  bad_password: 422,
  bad_limit: 422,
  too_many_attempts: 429,
  proxy_untrusted: 403,
  person_removed: 403,
  provider_failed: 502,
  provider_down: 502,
  provider_denied: 403,
  provider_lost: 400,
  read_only: 403,
  too_many_sockets: 429,
  shutting_down: 503,
  store_unwritable: 503,
  store_damaged: 503,
};

/** The status of a Failure; undefined for one that is nobody's doing outside. */
export const pageStatusOf = (code: FailureCode): ContentfulStatusCode | undefined => statusOf[code];

/** The answer to a request that failed: a page for browsers, JSON for programs. `basePath` is what is not put before its addresses later. */
export function refusal(failure: Failure, headers: Headers, basePath: string): Response {
  const words = wordsOf(languageOf(headers.get("accept-language")));
  const sentence = sentenceOf(failure.report, words);
  const init = {
    status: statusOf[failure.code] ?? 500,
    headers: { ...securityHeaders, "cache-control": "no-store", ...(failure.code === "body_slow" && { connection: "close" }) },
  };
  if (!headers.get("accept")?.includes("text/html")) return Response.json({ error: { code: failure.code, message: sentence } }, init);
  const body = htmlBelow(`<!doctype html>${String(<SentencePage sentence={sentence} assets={assetPaths} words={words} />)}`, basePath);
  return new Response(body, { ...init, headers: { ...init.headers, "content-type": "text/html; charset=utf-8" } });
}
