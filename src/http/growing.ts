// A page without scripts that shows an answer while it is written. The page is sent up to the answer's text,
// then each block of the text when it is complete, then the rest. At the end the page reloads itself in its
// final form.

import { MarkdownStream } from "../../views/markdown/stream.ts";
import type { Bus } from "../bus/bus.ts";
import type { Snapshot } from "../domain/event.ts";
import type { ConversationId } from "../domain/id.ts";

/** Marks where the text of the answer in progress belongs in a page. */
export const textPlace = "\ufdd7";

/** Interval of white space, which HTML ignores: Bun closes an answer that is silent for 10 s. */
const aliveMs = 4_000;

interface GrowingPage {
  readonly bus: Bus;
  readonly conversation: ConversationId;
  /** The page, with `textPlace` in it. */
  readonly html: string;
  readonly snapshot: Snapshot;
  /** Puts the page's words (labels of buttons) into rendered Markdown. */
  inWords(html: string): string;
}

/**
 * The page as a stream. Must be called in the turn in which the snapshot was taken: events before the call
 * are lost.
 */
export function growingPage({
  bus,
  conversation,
  html,
  snapshot,
  inWords,
}: GrowingPage): ReadableStream<Uint8Array> {
  const [head = "", tail = ""] = html.split(textPlace);
  const stream = new MarkdownStream(snapshot.text);
  const encoder = new TextEncoder();
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
      const unsubscribe = bus.subscribe(conversation, (event) => {
        if (!("run" in event) || event.run !== snapshot.run || event.n <= snapshot.n) return;
        if (event.kind === "text") stream.push(event.text);
        else if (event.kind === "ended") stream.end(event.utterance.message.text);
        sendSettled();
        if (event.kind !== "ended") return;
        stop();
        send(tail);
        controller.close();
      });
      stop = () => {
        clearInterval(alive);
        unsubscribe();
      };
      send(head);
      sendSettled();
    },
    cancel: () => stop(),
  });
}
