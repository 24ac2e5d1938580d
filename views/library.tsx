// The page of documents: collections, what became of each document, and the forms that change them. Plain
// forms; a list in which a document is being read fetches itself again.

import { type ListedCollection, ranges, type StoredDocument } from "../src/domain/document.ts";
import type { FailureReport } from "../src/domain/failure.ts";
import { Add, listPath, Make } from "./library-forms.tsx";
import { type Assets, Layout } from "./page.tsx";
import { sentenceOf, type Words } from "./words.ts";

/** Documents of each collection that the page of all collections shows. */
export const documentsShownMax = 20;

/** A collection with what one person sees of it. */
interface ShownCollection {
  readonly collection: ListedCollection;
  /** Some of its documents, by name, from the one with this index on. */
  readonly documents: readonly StoredDocument[];
  readonly from: number;
  readonly mayChange: boolean;
  /** Names of the personas that answer from it. */
  readonly personas: readonly string[];
  /** How many of the person's conversations answer from it. */
  readonly conversations: number;
}

/** What went wrong with a form. `name` is the document's. */
export interface LibraryFault {
  readonly name?: string;
  readonly failure: FailureReport;
}

interface LibraryProps {
  readonly collections: readonly ShownCollection[];
  /** The page is about this one collection; null: about all. */
  readonly only: ListedCollection | null;
  /** How far passages are found by meaning; null where no server embeds. */
  readonly meaning: { readonly model: string | null; readonly done: number; readonly total: number } | null;
  readonly mayMakeForHouse: boolean;
  /** Largest form with documents, in bytes. */
  readonly uploadMaxBytes: number;
  readonly faults: readonly LibraryFault[];
  readonly assets: Assets;
  readonly words: Words;
}

export function LibraryPage(props: LibraryProps) {
  const { collections, only, meaning, faults, assets, words } = props;
  const { library, house } = words;
  const title = only === null ? library.title : `${only.name} · ${library.title}`;
  const isReading = collections.some(({ collection }) => collection.reading > 0);
  return (
    <Layout title={`${title} · parlor`} assets={assets} words={words} again={isReading ? "5" : undefined}>
      <main class="papers library">
        <p>
          <a href={only === null ? "/" : "/documents"}>{only === null ? house.back : library.title}</a>
        </p>
        <h1 dir="auto">{only === null ? library.title : only.name}</h1>
        <div role="alert" class="failure">
          {faults.map(({ name, failure }) => (
            <p>
              {name !== undefined && `${name}: `}
              {sentenceOf(failure, words)}
            </p>
          ))}
        </div>
        {only === null && (
          <p class="note">
            {library.text}
            {meaning !== null &&
              ` ${library.byMeaning(meaning.model, meaning.total === 0 ? 1 : meaning.done / meaning.total)}`}
          </p>
        )}
        {collections.map((shown) => (
          <CollectionSection {...props} shown={shown} />
        ))}
        {only === null && <Make mayMakeForHouse={props.mayMakeForHouse} words={words} />}
      </main>
    </Layout>
  );
}

function CollectionSection({
  shown,
  only,
  uploadMaxBytes,
  words,
}: LibraryProps & { shown: ShownCollection }) {
  const { library } = words;
  const { id, name, owner, folder } = shown.collection;
  const facts = [owner === null ? library.ofHouse : library.own, folder !== null && library.ofFolder];
  const use = library.usedBy(shown.personas, shown.conversations);
  return (
    <section id={`c-${id}`} aria-labelledby={only === null ? `n-${id}` : undefined}>
      {only === null && (
        <h2 id={`n-${id}`} dir="auto">
          <a href={`/documents/${id}`}>{name}</a>
        </h2>
      )}
      <p class="note">{facts.filter(Boolean).join(" · ")}</p>
      {use !== "" && (
        <p class="note" dir="auto">
          {use}
        </p>
      )}
      <p>
        <a href={`/?documents=${id}`} aria-label={library.askIn(name)}>
          {library.ask}
        </a>
      </p>
      <DocumentList shown={shown} isWhole={only !== null} words={words} />
      {shown.mayChange && (
        <>
          <Add
            collection={shown.collection}
            isWhole={only !== null}
            maxBytes={uploadMaxBytes}
            words={words}
          />
          <details>
            <summary>{library.delete(name)}</summary>
            <form method="post" action={`/documents/${id}/remove`}>
              <p class="note">{library.deleteText(shown.collection.documents)}</p>
              <button type="submit">{library.delete(name)}</button>
            </form>
          </details>
        </>
      )}
    </section>
  );
}

/** The documents of a collection. While one is being read, the list fetches itself again. */
export function DocumentList({
  shown,
  isWhole,
  words,
}: {
  shown: ShownCollection;
  /** Of the page of one collection. */
  isWhole: boolean;
  words: Words;
}) {
  const { collection, documents, from, mayChange } = shown;
  const { library } = words;
  const { id, reading, refused } = collection;
  const all = collection.documents + reading + refused;
  const end = from + documents.length;
  const polls = {
    "hx-get": listPath(id, isWhole ? from : null),
    "hx-trigger": "every 2s",
    "hx-swap": "outerMorph",
  };
  return (
    <div id={`d-${id}`} {...(reading > 0 ? polls : {})}>
      <p>{all === 0 ? library.empty : library.counts(collection.documents, reading, refused)}</p>
      <ul>
        {documents.map((document) => (
          <DocumentItem document={document} mayChange={mayChange} words={words} />
        ))}
      </ul>
      <p class="row">
        {!isWhole && end < all && <a href={`/documents/${id}`}>{library.all(all)}</a>}
        {isWhole && from > 0 && <a href="?from=0">{library.earlier}</a>}
        {isWhole && end < all && <a href={`?from=${end}`}>{library.later}</a>}
      </p>
    </div>
  );
}

function DocumentItem({
  document,
  mayChange,
  words,
}: {
  document: StoredDocument;
  mayChange: boolean;
  words: Words;
}) {
  const { library } = words;
  const { id, collection, path, state, failure, picturePages } = document;
  const facts = library.state(document);
  return (
    <li data-state={state}>
      <form method="post" action={`/documents/${collection}/forget`}>
        <input type="hidden" name="document" value={id} />
        <span>
          {state === "searchable" ? (
            <a href={`/documents/${collection}/${id}`} dir="auto">
              {path}
            </a>
          ) : (
            <bdi>{path}</bdi>
          )}{" "}
          {facts !== "" && <span class="note">{facts}</span>}
        </span>
        {mayChange && (
          <button type="submit" aria-label={library.removeFrom(path)}>
            {library.remove}
          </button>
        )}
      </form>
      {failure && (
        <p class="failure">
          {library.refused}: {sentenceOf(failure, words)}
        </p>
      )}
      {picturePages.length > 0 && <p class="note">{library.pictures(ranges(picturePages))}</p>}
    </li>
  );
}
