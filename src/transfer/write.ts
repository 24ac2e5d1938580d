// A conversation as a Markdown file of the path that is shown. (A JSON file holds the ConversationRecord
// itself.)

import { type ConversationRecord, pathOf } from "../domain/record.ts";

/**
 * The title, then each message under a heading with its author's name. Text of models is Markdown already and
 * stays unchanged.
 */
export function toMarkdown(record: ConversationRecord, names: { user: string; assistant: string }): string {
  const parts = pathOf(record).map(({ role, text }) => `## ${names[role]}\n\n${text.trim()}`);
  return `${[`# ${record.title}`, ...parts].join("\n\n")}\n`;
}
