// The parts of a Message, in order. What a kind looks like is in views/, how it comes about in runs/.

import { type FileFacts, type FileId, fileName, isFileType, rangesIn } from "./file.ts";
import { type Grounding, isGrounding } from "./grounding-mode.ts";
import { type CollectionId, isId } from "./id.ts";
import { isFiniteNumber, isJsonObject, isString, type JsonObject } from "./json.ts";

/**
 * A part that is written, and grows while it is written; also a piece of it. `text` is what the author says.
 * `thought` is the model's reasoning before it answers: shown folded, and not sent to a model again.
 */
export type WrittenPart =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "thought"; readonly text: string };

/** A file that belongs to a question. Its content is stored apart from the message. */
export interface FilePart extends FileFacts {
  readonly kind: "file";
  /** null: an import brought the message without the file's content. */
  readonly file: FileId | null;
  /** It was too long to be read whole: passages of it that match a question are sent with the question. */
  readonly isSearched?: true;
}

/** Where a passage stands in a document: its page is that of the source. */
interface PassagePlace {
  readonly collection: CollectionId;
  /** Path of the document in its collection. */
  readonly path: string;
  /** SHA-256 of the document, in hexadecimal digits. */
  readonly hash: string;
  /** Index of its first UTF-16 code unit in the page's text. */
  readonly start: number;
}

/** A passage that an answer may cite. It stands before the answer's text, and is sent only with its question. */
export interface SourcePart {
  readonly kind: "source";
  /** The number that cites it: from 1, unique in the conversation for this passage. */
  readonly n: number;
  /** Names the passage in its collection, as long as its document is not read anew. */
  readonly passage: string;
  /** Title of its document, or its file's path. */
  readonly document: string;
  /** From 1; a document without pages has one. */
  readonly page: number;
  /** Headings above it, the outermost first. */
  readonly headings: readonly string[];
  /** The passage, unchanged. */
  readonly text: string;
  /** Where it was found; absent in conversations of other houses, and of older versions. */
  readonly place?: PassagePlace;
  /** It does not answer the question, but comes nearest: for people to look at, never sent to a model. */
  readonly isNear?: true;
  /** How the answer is checked against it, when the persona did not leave that to parlor. */
  readonly grounding?: Grounding;
}

export type Part = WrittenPart | FilePart | SourcePart;

/** Kinds of parts that are written. */
export type PartKind = WrittenPart["kind"];
export type Parts = readonly Part[];

const kinds: readonly PartKind[] = ["text", "thought"];

/** The parts of a message that consists of a text alone; none for an empty text. */
export const textParts = (text: string): Parts => (text === "" ? [] : [{ kind: "text", text }]);

/** All text of one kind, joined. */
export function textIn(parts: Parts, kind: PartKind): string {
  let text = "";
  for (const part of parts) if (part.kind === kind) text += part.text;
  return text;
}

/** What the author says, without anything else: for titles, search, copies and other programs. */
export const plainText = (parts: Parts): string => textIn(parts, "text");

/** The files, in order. */
export const filesIn = (parts: Parts): readonly FilePart[] => parts.filter((part) => part.kind === "file");

/** The passages that the answer may cite, in order. */
export const sourcesIn = (parts: Parts): readonly SourcePart[] =>
  passagesIn(parts).filter((part) => !part.isNear);

/** All passages that have a number: sources, and those that only come near. */
export const passagesIn = (parts: Parts): readonly SourcePart[] =>
  parts.filter((part) => part.kind === "source");

export const isWritten = (part: Part): part is WrittenPart => part.kind === "text" || part.kind === "thought";

/** Size of all parts that are written, in UTF-16 units: the place at which the next piece belongs. */
export const sizeOf = (parts: Parts): number =>
  parts.reduce((sum, part) => sum + (isWritten(part) ? part.text.length : 0), 0);

/** Length of all text in the parts, passages included, in UTF-16 units: for bounds on what is handled at once. */
export const lengthOf = (parts: Parts): number =>
  parts.reduce((sum, part) => sum + ("text" in part ? part.text.length : 0), 0);

/**
 * Adds a piece to the part of its kind, or as a new part. `from` is the index of the first part that may
 * grow: each step of a Run has parts of its own. Thoughts that come behind a text still belong before it, as
 * long as both are of the same step.
 */
export function grown(parts: Parts, from: number, { kind, text }: WrittenPart): Parts {
  if (text === "") return parts;
  const at = parts.findIndex((part, i) => i >= from && part.kind === kind);
  if (at >= 0) {
    const before = parts[at] as WrittenPart;
    return parts.with(at, { kind, text: before.text + text });
  }
  return kind === "thought" ? parts.toSpliced(from, 0, { kind, text }) : [...parts, { kind, text }];
}

/** Index of the first part that a Run adds to when it continues a message: its last text, or the thought before. */
export function lastStepOf(parts: Parts): number {
  const at = parts.length - (parts.at(-1)?.kind === "text" ? 1 : 0);
  return parts[at - 1]?.kind === "thought" ? at - 1 : at;
}

/** The parts in a value of unknown shape; of what is no part, nothing. */
export function partsOf(value: unknown): Parts {
  if (!Array.isArray(value)) return [];
  return value.flatMap((each: unknown): Part[] => {
    if (!isJsonObject(each)) return [];
    const { kind, text } = each;
    if (kind === "file") return filePartOf(each);
    if (kind === "source") return sourcePartOf(each);
    const written = kinds.find((one) => one === kind);
    return written === undefined || !isString(text) ? [] : [{ kind: written, text }];
  });
}

function filePartOf({ file, name, type, bytes, pages, picturePages, isSearched }: JsonObject): FilePart[] {
  if (!isString(name) || !isFileType(type) || !isFiniteNumber(bytes)) return [];
  const facts = { name: fileName(name), type, bytes, pages: isFiniteNumber(pages) ? pages : 0 };
  const id = isId(file) ? file : null;
  const pictures = rangesIn(picturePages);
  const more = {
    ...(pictures.length > 0 && { picturePages: pictures }),
    ...(isSearched === true && { isSearched: true as const }),
  };
  return [{ kind: "file", file: id, ...facts, ...more }];
}

/** Largest number of a source, and of a page, that is read. */
const numberMax = 999_999;
const isNumber = (value: unknown): value is number =>
  isFiniteNumber(value) && Number.isInteger(value) && value >= 1 && value <= numberMax;

function sourcePartOf(source: JsonObject): SourcePart[] {
  const { n, passage, document, page, headings, text, place, isNear, grounding } = source;
  if (!isNumber(n) || !isNumber(page) || !isString(document) || !isString(text)) return [];
  const above = Array.isArray(headings) ? headings.filter(isString) : [];
  const names = { passage: isString(passage) ? passage : "", document, page, headings: above };
  return [
    {
      ...{ kind: "source", n, ...names, text },
      ...(isJsonObject(place) && placeOf(place)),
      ...(isNear === true && { isNear }),
      ...(isGrounding(grounding) && { grounding }),
    },
  ];
}

function placeOf({ collection, path, hash, start }: JsonObject): Pick<SourcePart, "place"> {
  if (!isId(collection) || !isString(path) || !isString(hash) || !isFiniteNumber(start)) return {};
  return { place: { collection, path, hash, start } };
}
