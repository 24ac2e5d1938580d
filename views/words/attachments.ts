// The type of what parlor says about attached files. A language is one object of this type.

import type { FileFacts } from "../../src/domain/file.ts";
import type { FactWords } from "./file-facts.ts";

export interface AttachmentWords {
  readonly attach: string;
  readonly list: string;
  /** How many files a question may have, and how large each. */
  bounds(files: number, limitBytes: number): string;
  /** What the person's files take of what they may take. */
  room(usedBytes: number, limitBytes: number): string;
  tooLarge(limitBytes: number): string;
  readonly drop: string;
  readonly uploading: string;
  readonly reading: string;
  readonly wait: string;
  readonly lost: string;
  remove(name: string): string;
  /** Kind, length and size. */
  facts(file: FileFacts): string[];
  readonly lengths: FactWords["lengths"];
  /** The content was not imported. */
  readonly missing: string;
  /** Pages without text, as "3–17, 20"; `isOne`: it is a single page. */
  pictures(pages: string, isOne: boolean): string;
  /** The model that would answer does not see the picture. */
  readonly unseen: string;
  /** The text did not fit the prompt. */
  readonly searched: string;
}
