// The parts of a Message, in order. A part has a kind and a text that grows while it is written. What a kind
// looks like is in views/, how it comes about in runs/.

import { isJsonObject, isString } from "./json.ts";

/**
 * `text` is what the author says. `thought` is the model's reasoning before it answers: shown folded, and not
 * sent to a model again.
 */
export type Part =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "thought"; readonly text: string };

export type PartKind = Part["kind"];
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

/** Size of all parts, in UTF-16 units: the place at which the next piece belongs. */
export const sizeOf = (parts: Parts): number => parts.reduce((sum, { text }) => sum + text.length, 0);

/**
 * Adds a piece to the part of its kind, or as a new part. `from` is the index of the first part that may
 * grow: each step of a Run has parts of its own. Thoughts that come behind a text still belong before it, as
 * long as both are of the same step.
 */
export function grown(parts: Parts, from: number, { kind, text }: Part): Parts {
  if (text === "") return parts;
  const at = parts.findIndex((part, i) => i >= from && part.kind === kind);
  if (at >= 0) {
    const grownPart = { kind, text: `${parts[at]?.text}${text}` };
    return parts.with(at, grownPart);
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
  return value.flatMap((each: unknown) => {
    if (!isJsonObject(each) || !isString(each["text"])) return [];
    const kind = kinds.find((one) => one === each["kind"]);
    return kind === undefined ? [] : [{ kind, text: each["text"] }];
  });
}
