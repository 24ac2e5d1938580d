// The forms of the page of documents: documents are added to a collection, a collection is made.

import type { Collection } from "../src/domain/document.ts";
import type { CollectionId } from "../src/domain/id.ts";
import type { Words } from "./words.ts";

/** Where a collection's list of documents is fetched: from this index on; null: the short list. */
export const listPath = (id: CollectionId, from: number | null): string =>
  `/documents/${id}/list${from === null ? "?short" : `?from=${from}`}`;

/**
 * Adds documents. With scripts each is sent in a request of its own (views/assets/documents.js). Browsers
 * take files that are dropped on the field.
 */
export function Add({
  collection: { id, name },
  isWhole,
  maxBytes,
  words,
}: {
  collection: Collection;
  /** On the page of this one collection. */
  isWhole: boolean;
  /** Largest request, in bytes. */
  maxBytes: number;
  words: Words;
}) {
  const { library } = words;
  return (
    <form
      method="post"
      action={`/documents/${id}`}
      enctype="multipart/form-data"
      data-sending={library.sending}
      data-lost={library.lost}
      data-list={`d-${id}`}
      data-from={listPath(id, isWhole ? 0 : null)}
    >
      <label>
        {library.add}
        <input
          type="file"
          name="file"
          multiple
          required
          aria-label={library.addTo(name)}
          aria-describedby={`h-${id}`}
        />
      </label>
      <p class="note" id={`h-${id}`}>
        {library.kinds} {library.each(maxBytes)} {library.replaces}
        <noscript> {library.together(maxBytes)}</noscript>
      </p>
      <p role="status" class="note" />
      <button type="submit">{library.upload}</button>
    </form>
  );
}

export function Make({ mayMakeForHouse, words }: { mayMakeForHouse: boolean; words: Words }) {
  const { library } = words;
  return (
    <section>
      <h2>{library.make}</h2>
      <form method="post" action="/documents">
        <label>
          {library.name}
          <input name="name" required maxlength={64} autocomplete="off" />
        </label>
        {mayMakeForHouse && (
          <label class="check">
            <input type="checkbox" name="house" /> {library.forHouse}
          </label>
        )}
        <button type="submit">{library.create}</button>
      </form>
    </section>
  );
}
