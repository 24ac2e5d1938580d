// A page without scripts that shows an answer while it is written. The page is sent up to the answer's text,
// then each block of the text when it is complete, then the rest. At the end the page reloads itself in its
// final form.

import { citationsIn } from "../../views/answer.tsx";
import { MarkdownStream } from "../../views/markdown/stream.ts";
import type { Bus } from "../bus/bus.ts";
import type { Snapshot } from "../domain/event.ts";
import type { ConversationId } from "../domain/id.ts";
import { type Parts, plainText, sourcesIn } from "../domain/part.ts";
import { Following } from "../runs/following.ts";

/** Marks where the text of the answer in progress belongs in a page. */
export const textPlace = "\ufdd7";

/** Interval of white space, which HTML ignores: Bun closes an answer that is silent for 10 s. */
const aliveMs = 4_000;

interface GrowingPage {
  readonly bus: Bus;
  readonly conversation: ConversationId;
  /** The page, with `textPlace` in it. */
  readonly html: string;
  live(conversation: ConversationId): Promise<readonly Snapshot[]>;
  /** Puts the page's words (labels of buttons) into rendered Markdown. */
  inWords(html: string): string;
  onError(error: unknown): void;
}

/** The page as a stream, up to the end of the Run in progress. */
export function growingPage(page: GrowingPage): ReadableStream<Uint8Array> {
  const { html, inWords, conversation } = page;
  const [head = "", tail = ""] = html.split(textPlace);
  const encoder = new TextEncoder();
  let stream = new MarkdownStream("");
  let hasSources = false;
  const show = (parts: Parts) => {
    const citations = citationsIn(parts, conversation);
    hasSources = citations !== null;
    stream = new MarkdownStream(plainText(parts), undefined, citations);
  };
  let sentChars = 0;
  let stop = () => {};
  return new ReadableStream<Uint8Array>({
    start(controller) {
      const send = (text: string) => text !== "" && controller.enqueue(encoder.encode(text));
      const sendSettled = () => {
        send(inWords(stream.settled.slice(sentChars)));
        sentChars = stream.settled.length;
      };
      const alive = setInterval(() => send(" "), aliveMs);
      const end = () => {
        stop();
        send(tail);
        controller.close();
      };
      send(head);
      const following = new Following({
        ...page,
        began([snapshot]) {
          if (snapshot === undefined) return end(); // it ended before it could be followed: the page reloads
          show(snapshot.parts);
          sendSettled();
        },
        heard(event) {
          // the passages that the answer may cite are known now
          if (event.kind === "started" && !hasSources && sourcesIn(event.answer.parts).length > 0)
            show(event.answer.parts);
          else if (event.kind === "part" && event.piece.kind === "text") stream.push(event.piece.text);
          else if (event.kind === "ended") stream.end(event.utterance.message.text);
          sendSettled();
          if (event.kind === "ended") end();
        },
      });
      stop = () => {
        clearInterval(alive);
        following.close();
      };
    },
    cancel: () => stop(),
  });
}
