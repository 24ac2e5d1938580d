// The page behind a citation: the passage, and where it stands.

import type { SourcePart } from "../src/domain/part.ts";
import { type Assets, Layout } from "./page.tsx";
import { pageTitle } from "./title.ts";
import type { Words } from "./words.ts";

/** A passage is a stranger's text: it is shown as it was read, never as Markdown. */
export function SourcePage({
  source: { n, document, page, headings, text },
  back,
  assets,
  words,
}: {
  source: SourcePart;
  /** Address of the conversation. */
  back: string;
  assets: Assets;
  words: Words;
}) {
  const title = words.source.title(n);
  return (
    <Layout title={pageTitle(title)} assets={assets} words={words} isPrivate>
      <main class="papers">
        <h1>{title}</h1>
        <p class="note" dir="auto">
          {[document, words.source.page(page), ...headings].join(" › ")}
        </p>
        <blockquote class="passage" dir="auto">
          {text}
        </blockquote>
        <p>
          <a href={back}>{words.source.back}</a>
        </p>
      </main>
    </Layout>
  );
}
