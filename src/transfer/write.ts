// A conversation as a file for people: Markdown of the path that is shown. (As JSON a ConversationRecord is its own form.)

import { type ConversationRecord, pathOf } from "../domain/record.ts";

/** Markdown: the title, then each message under a heading with who said it. Model text is Markdown already and stays as it is. */
export function toMarkdown(record: ConversationRecord, names: { user: string; assistant: string }): string {
  const parts = pathOf(record).map(({ role, text }) => `## ${names[role]}\n\n${text.trim()}`);
  return `${[`# ${record.title}`, ...parts].join("\n\n")}\n`;
}
