// The text of a document as it was read, page by page: what is searched, and what an answer may cite.

import type { Collection, Passage, StoredDocument } from "../src/domain/document.ts";
import { type Assets, Layout } from "./page.tsx";
import type { Words } from "./words.ts";

interface DocumentTextProps {
  readonly collection: Collection;
  readonly document: StoredDocument;
  /** Those that are shown, and the place of the first in the document. */
  readonly passages: readonly Passage[];
  readonly from: number;
  readonly assets: Assets;
  readonly words: Words;
}

/** A stranger's text: it is shown as it was read, never as Markdown. */
export function DocumentTextPage({ collection, document, passages, from, assets, words }: DocumentTextProps) {
  const { library, source } = words;
  const title = document.title ?? document.path;
  const pages = [...new Set(passages.map(({ page }) => page))];
  const end = from + passages.length;
  return (
    <Layout title={`${title} · parlor`} assets={assets} words={words}>
      <main class="papers">
        <p>
          <a href={`/documents/${collection.id}`} dir="auto">
            {collection.name}
          </a>
        </p>
        <h1 dir="auto">{title}</h1>
        <p class="note" dir="auto">
          {[document.path, library.state(document)].join(" · ")}
        </p>
        {pages.map((page) => (
          <section>
            {document.pages > 1 && <h2 id={`page-${page}`}>{source.page(page)}</h2>}
            {passages
              .filter((passage) => passage.page === page)
              .map(({ text }) => (
                <blockquote class="passage" dir="auto">
                  {text}
                </blockquote>
              ))}
          </section>
        ))}
        <p class="row">
          {from > 0 && <a href={`?from=${Math.max(0, from - textPassagesMax)}`}>{library.earlier}</a>}
          {end < document.passages && <a href={`?from=${end}`}>{library.later}</a>}
        </p>
      </main>
    </Layout>
  );
}

/** Passages that one page shows. */
export const textPassagesMax = 50;
