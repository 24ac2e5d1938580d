// The actions on a message: copy, edit, regenerate, continue, delete, switch between versions.

import { raw } from "hono/html";
import type { Message } from "../src/domain/conversation.ts";
import { newId } from "../src/domain/id.ts";
import type { Utterance } from "../src/domain/thread.ts";
import { commandPath } from "./form-path.ts";
import { escapeText } from "./markdown/plain.ts";
import type { Words } from "./words.ts";

export interface ActsProps extends Utterance {
  /** The last message of the thread: the one that may be tried again. */
  readonly last: boolean;
  readonly words: Words;
}

/** What can be done with a message. One form: the button that is pressed says what. */
export function Acts({ message, run, siblings, last, words }: ActsProps) {
  const { id, role, text } = message;
  const isOver = run !== null && run.status !== "done";
  const canContinue = last && run !== null && text !== "" && (isOver || run.finish === "length");
  return (
    <>
      <form hx-ws:send method="post" action={commandPath(message.conversation)} class="acts">
        <input type="hidden" name="message" value={id} />
        {siblings.length > 1 && <Branches id={id} siblings={siblings} words={words} />}
        {last && isOver && (
          <button type="submit" name="type" value="retry" class="plain">
            {words.tryAgain}
          </button>
        )}
        {canContinue && (
          <button type="submit" name="type" value="continue" class="plain">
            {words.continue}
          </button>
        )}
        <span class="quiet">
          {role === "assistant" && !(last && isOver) && (
            <button type="submit" name="type" value="retry">
              {words.regenerate}
            </button>
          )}
          {text !== "" && (
            <button
              type="button"
              data-copy={`/c/${message.conversation}/text/${id}`}
              data-done={words.copied}
            >
              {words.copy}
            </button>
          )}
          {role === "user" && (
            <button type="button" hx-get={`/c/${message.conversation}/edit/${id}`} hx-target={`#e-${id}`}>
              {words.edit}
            </button>
          )}
          <button type="submit" name="type" value="prune" class="delete">
            {words.delete}
          </button>
        </span>
      </form>
      {role === "user" && <div id={`e-${id}`} class="edit" hx-morph-skip />}
    </>
  );
}

/** Copies what stands right before it. */
export function Copy({ words }: { words: Words }) {
  return (
    <button type="button" data-copy="beside" data-done={words.copied}>
      {words.copy}
    </button>
  );
}

/** The place of a message among those that could stand there, and the way to its neighbours. */
function Branches({ id, siblings, words }: { id: string; siblings: readonly string[]; words: Words }) {
  const at = siblings.indexOf(id);
  const step = (to: string | undefined, label: string, sign: string) => (
    <button
      type="submit"
      name="select"
      value={to}
      disabled={to === undefined}
      aria-label={label}
      title={label}
    >
      {sign}
    </button>
  );
  return (
    <span class="branches">
      {step(siblings[at - 1], words.previousBranch, "‹")}
      <span>{`${at + 1} / ${siblings.length}`}</span>
      {step(siblings[at + 1], words.nextBranch, "›")}
    </span>
  );
}

/** After a message was deleted: said, and undone with one press. */
export function Pruned({
  conversation,
  message,
  words,
}: {
  conversation: string;
  message: string;
  words: Words;
}) {
  return (
    <form hx-ws:send method="post" action={commandPath(conversation)} class="removed">
      <span>{words.pruned}</span>
      <input type="hidden" name="message" value={message} />
      <button type="submit" name="type" value="unprune">
        {words.undo}
      </button>
    </form>
  );
}

/** An earlier question, to be asked anew as a branch beside it. Fetched when it is wanted. */
export function Edit({ message, words }: { message: Message; words: Words }) {
  return (
    <form hx-ws:send>
      <input type="hidden" name="type" value="say" />
      <input type="hidden" name="message" value={newId()} />
      <input type="hidden" name="edits" value={message.id} />
      <textarea name="text" rows={2} aria-label={words.edit} autofocus>
        {raw(`\n${escapeText(message.text)}`)}
      </textarea>
      <p>
        <button type="submit" class="plain">
          {words.askAnew}
        </button>
        <button type="button" class="cancel">
          {words.cancel}
        </button>
      </p>
    </form>
  );
}
