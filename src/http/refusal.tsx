// What a request that failed is answered: a status, and a sentence, as a page for browsers and as JSON for
// programs.

import { SentencePage } from "../../views/page.tsx";
import { languageOf, sentenceOf, wordsOf } from "../../views/words.ts";
import { type Failure, statusOf } from "../domain/failure.ts";
import { assetPaths } from "./assets.ts";
import { htmlBelow } from "./base.ts";
import { securityHeaders } from "./guard.ts";

/** The answer to a request that failed: a page for browsers, JSON for programs. `basePath` is what is not put before its addresses later. */
export function refusal(failure: Failure, headers: Headers, basePath: string): Response {
  const words = wordsOf(languageOf(headers.get("accept-language")));
  const sentence = sentenceOf(failure.report, words);
  const init = {
    status: statusOf(failure),
    headers: {
      ...securityHeaders,
      "cache-control": "no-store",
      ...(failure.code === "body_slow" && { connection: "close" }),
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
