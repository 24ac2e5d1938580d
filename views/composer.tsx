// The foot of the page: the field, Send or Stop, and what went wrong with what was just sent.

import type { FailureReport } from "../src/domain/failure.ts";
import { sentenceOf, type Words } from "./words.ts";

/** Ids of the elements that frames address. */
export const composerIds = { controls: "controls", notice: "notice" } as const;

export interface ComposerState {
  /** `idle` shows Send, `busy` Stop, `stopping` a Stop that was pressed. */
  readonly run: "idle" | "busy" | "stopping";
}

export interface ComposerProps {
  /** The next message's id. */
  readonly message: string;
  readonly state: ComposerState;
  /** Longest message in UTF-8. A frame far beyond it would close the socket, so the page looks before it sends. */
  readonly messageMaxBytes: number;
  readonly words: Words;
}

export function Composer({ message, state, messageMaxBytes, words }: ComposerProps) {
  return (
    <div class="composer">
      <div id={composerIds.notice} role="alert" />
      <template id="too-long">
        <p>{words.tooLong(messageMaxBytes)}</p>
      </template>
      <form id="say" hx-ws:send method="dialog">
        <input type="hidden" name="type" value="say" />
        <input type="hidden" name="message" id="message-id" value={message} />
        <textarea
          name="text"
          id="text"
          rows={1}
          aria-label={words.message}
          placeholder={words.placeholder}
          aria-describedby="hint"
          autofocus
          enterkeyhint="send"
          data-max-bytes={messageMaxBytes}
        />
        <div id={composerIds.controls}>
          <Controls state={state} words={words} />
        </div>
      </form>
      <form id="halt" hx-ws:send method="dialog" hidden>
        <input type="hidden" name="type" value="stop" />
      </form>
      <p id="hint" class="hint">
        {words.hint}
      </p>
    </div>
  );
}

export function Controls({ state, words }: { state: ComposerState; words: Words }) {
  if (state.run === "idle")
    return (
      <button type="submit" class="send">
        {words.send}
      </button>
    );
  return (
    <button type="submit" class="stop" form="halt" disabled={state.run === "stopping"}>
      {state.run === "stopping" ? words.stopping : words.stop}
    </button>
  );
}

export function Notice({ failure, words }: { failure: FailureReport; words: Words }) {
  return <p>{sentenceOf(failure, words)}</p>;
}
