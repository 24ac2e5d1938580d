// The part of the table of bounds that is about documents.

export interface Bound {
  readonly default: number;
  readonly min: number;
  readonly max: number;
  readonly doc: string;
}

const minute = 60_000;

export const documentBounds = {
  documentMaxBytes: {
    default: 64 << 20,
    min: 1024,
    max: 1 << 30,
    doc: "largest document of a collection",
  },
  collectionDocumentsMax: {
    default: 20_000,
    min: 1,
    max: 1_000_000,
    doc: "most documents of a collection",
  },
  documentsLookMs: {
    default: minute,
    min: 100,
    max: 24 * 60 * minute,
    doc: "time between two looks into the folder of documents, for changes of which the system gives no notice",
  },
  documentsSettleMs: {
    default: 2_000,
    min: 10,
    max: 60 * minute,
    doc: "a file in the folder of documents is read when it has not changed for this long",
  },
  extractMs: {
    default: 2 * minute,
    min: 100,
    max: 60 * minute,
    doc: "how long it may take to extract the text of a document",
  },
  extractMaxMemoryBytes: {
    default: 512 << 20,
    min: 128 << 20,
    max: 64 * 2 ** 30,
    doc: "most memory of a process that extracts the text of a document (Linux only)",
  },
  extractMaxChars: {
    default: 16 << 20,
    min: 1024,
    max: 256 << 20,
    doc: "longest text of a document, in characters",
  },
  embedMs: {
    default: 300,
    min: 10,
    max: minute,
    doc: "how long it may take to embed a question; after that, documents are searched by words alone",
  },
  rerankMs: {
    default: 1_000,
    min: 10,
    max: minute,
    doc: "how long it may take to rank passages; after that, they stay in the order of the search",
  },
  vectorsMaxBytes: {
    default: 1 << 30,
    min: 1 << 20,
    max: 2 ** 32,
    doc: "vectors of passages in memory; the passages beyond that are found by words alone",
  },
  extractionsMax: { default: 2, min: 1, max: 64, doc: "documents whose text is extracted at once" },
  unpackedMaxBytes: {
    default: 128 << 20,
    min: 1024,
    max: 1 << 30,
    doc: "largest unpacked content of an office document or a book",
  },
} as const satisfies Record<string, Bound>;
