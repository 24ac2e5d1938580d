// Placeholders for parlor's words in rendered Markdown. HTML is rendered once for readers of all languages,
// with noncharacters in the place of words (Unicode 16, §23.7: never exchanged; `clean` replaces them in
// every text). The sender fills the words in.

import type { Words } from "../words.ts";

export const marks = {
  copy: "\ufdd2",
  copied: "\ufdd3",
  wrap: "\ufdd4",
  taskDone: "\ufdd5",
  taskOpen: "\ufdd6",
  notFoundIn: "\ufdda",
  withoutSource: "\ufddb",
  foundByParlor: "\ufddc",
  bySenseIn: "\ufddd",
} as const;

/** The words for each mark. */
const wordFor: Readonly<Record<string, (words: MarkWords) => string>> = {
  [marks.copy]: ({ copy }) => copy,
  [marks.copied]: ({ copied }) => copied,
  [marks.wrap]: ({ wrap }) => wrap,
  [marks.taskDone]: ({ taskDone }) => taskDone,
  [marks.taskOpen]: ({ taskOpen }) => taskOpen,
  [marks.notFoundIn]: ({ grounding }) => grounding.notFoundIn,
  [marks.withoutSource]: ({ grounding }) => grounding.withoutSource,
  [marks.foundByParlor]: ({ grounding }) => grounding.foundByParlor,
  [marks.bySenseIn]: ({ grounding }) => grounding.bySenseIn,
};
type MarkWords = Pick<Words, "copy" | "copied" | "wrap" | "taskDone" | "taskOpen" | "grounding">;

/** True for HTML that differs by the reader's language. */
export function hasWords(html: string): boolean {
  return /[\ufdd2-\ufdd6\ufdda-\ufddd]/.test(html);
}

/** Rendered Markdown with the words of a language. */
export function inWords(html: string, words: MarkWords): string {
  return hasWords(html)
    ? html.replace(/[\ufdd2-\ufdd6\ufdda-\ufddd]/g, (mark) => Bun.escapeHTML(wordFor[mark]?.(words) ?? ""))
    : html;
}
