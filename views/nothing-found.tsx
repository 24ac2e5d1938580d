// What stands below an answer for which the documents have nothing: the passages that come nearest, and a way
// to ask without the documents.

import type { Message } from "../src/domain/conversation.ts";
import { passagesIn } from "../src/domain/part.ts";
import { commandPath } from "./form-path.ts";
import type { Words } from "./words.ts";

export function NothingFound({ message, words }: { message: Message; words: Words }) {
  const { id, conversation, parts } = message;
  const near = passagesIn(parts).filter((passage) => passage.isNear);
  return (
    <>
      {near.length > 0 && (
        <div class="nearest">
          <p>{words.source.nearest}</p>
          <ul>
            {near.map(({ n, document, page, headings }) => (
              <li>
                <a href={`/c/${conversation}/source/${n}`} dir="auto">
                  {[document, words.source.page(page), ...headings].join(" › ")}
                </a>
              </li>
            ))}
          </ul>
        </div>
      )}
      <form hx-ws:send method="post" action={commandPath(conversation)}>
        <input type="hidden" name="message" value={id} />
        <input type="hidden" name="documents" value="off" />
        <button type="submit" name="type" value="retry" class="plain">
          {words.source.askWithout}
        </button>
      </form>
    </>
  );
}
