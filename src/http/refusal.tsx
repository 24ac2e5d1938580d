// The answer to a request that failed: a status and a sentence, as a page for browsers and as JSON for
// programs.

import { SentencePage } from "../../views/page.tsx";
import { languageOf, sentenceOf, wordsOf } from "../../views/words.ts";
import { type Failure, statusOf } from "../domain/failure.ts";
import { assetPaths } from "./assets.ts";
import { htmlBelow } from "./base.ts";
import { securityHeaders } from "./guard.ts";

/** `basePath` prefixes the page's addresses; empty if the caller adds the prefix itself (finishAnswer). */
export function refusal(failure: Failure, headers: Headers, basePath: string): Response {
  const words = wordsOf(languageOf(headers.get("accept-language")));
  const sentence = sentenceOf(failure.report, words);
  const init = {
    status: statusOf(failure),
    headers: {
      ...securityHeaders,
      "cache-control": "no-store",
      ...(failure.code === "body_slow" && { connection: "close" }),
      ...(failure.code === "no_leader" && { "retry-after": "5" }),
    },
  };
  if (!headers.get("accept")?.includes("text/html"))
    return Response.json({ error: { code: failure.code, message: sentence } }, init);
  const body = htmlBelow(
    `<!doctype html>${String(<SentencePage sentence={sentence} assets={assetPaths} words={words} />)}`,
    basePath,
  );
  return new Response(body, {
    ...init,
    headers: { ...init.headers, "content-type": "text/html; charset=utf-8" },
  });
}
