// What a search has found: titles and passages, each a way to its place.

import type { FoundPassage } from "../src/domain/conversation.ts";
import type { Words } from "./words.ts";

export function FoundList({
  query,
  found,
  words,
}: {
  query: string;
  found: readonly FoundPassage[];
  words: Words;
}) {
  if (query.trim() === "") return <></>;
  if (found.length === 0) return <p class="note">{words.nothingFound}</p>;
  return (
    <ul class="found">
      {found.map(({ conversation, title, message, excerpt }) => (
        <li>
          <a href={message === null ? `/c/${conversation}` : `/c/${conversation}?at=${message}#m-${message}`}>
            {message !== null && <span class="note">{title}</span>}
            <span>{excerpt.map((part, i) => (i % 2 === 1 ? <mark>{part}</mark> : part))}</span>
          </a>
        </li>
      ))}
    </ul>
  );
}
