// Reads a file's text: Markdown and plain text in UTF-8.

import { Failure } from "../domain/failure.ts";
import type { PageText } from "./passages.ts";

export interface ReadDocument {
  /** null: it names none. */
  readonly title: string | null;
  readonly pages: readonly PageText[];
  readonly isMarkdown: boolean;
}

const markdown = /\.(md|markdown)$/i;
const plain = /\.(txt|text)$/i;

/**
 * The text of a file. null for a kind of file that is not read. @throws Failure `file_unreadable` (not UTF-8)
 */
export async function readDocument(file: string): Promise<ReadDocument | null> {
  const isMarkdown = markdown.test(file);
  if (!isMarkdown && !plain.test(file)) return null;
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(await Bun.file(file).bytes());
    return { title: null, pages: [{ page: 1, text: text.replace(/\r\n?/g, "\n") }], isMarkdown };
  } catch (error) {
    if (error instanceof TypeError) throw new Failure("file_unreadable");
    throw error;
  }
}
