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
} as const;

const names = new Map(
  Object.entries(marks).map(([name, mark]) => [mark as string, name as keyof typeof marks]),
);

/** True for HTML that differs by the reader's language. */
export function hasWords(html: string): boolean {
  return /[\ufdd2-\ufdd6]/.test(html);
}

/** Rendered Markdown with the words of a language. */
export function inWords(html: string, words: Pick<Words, keyof typeof marks>): string {
  return hasWords(html)
    ? html.replace(/[\ufdd2-\ufdd6]/g, (mark) => Bun.escapeHTML(words[names.get(mark) as keyof typeof marks]))
    : html;
}
