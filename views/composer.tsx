// The foot of the page: the field, Send or Stop, and what went wrong with what was just sent.

import { raw } from "hono/html";
import type { Allowance } from "../src/domain/account.ts";
import type { FailureReport } from "../src/domain/failure.ts";
import type { StoredFile } from "../src/domain/file.ts";
import type { CollectionId, ConversationId, MessageId, PersonaId } from "../src/domain/id.ts";
import type { RunStats } from "../src/domain/run.ts";
import type { Thread } from "../src/domain/thread.ts";
import { Pruned } from "./acts.tsx";
import { Attach, type AttachBounds } from "./files.tsx";
import { commandPath } from "./form-path.ts";
import { escapeText } from "./markdown/plain.ts";
import { sentenceOf, type Words } from "./words.ts";

/** Ids of the elements that frames address. */
export const composerIds = {
  controls: "controls",
  notice: "notice",
  context: "context",
  answersFrom: "answers-from",
  allowance: "allowance",
} as const;

export interface ComposerState {
  /** `idle` shows Send, `busy` Stop, `stopping` a Stop that was pressed. */
  readonly run: "idle" | "busy" | "stopping";
}

/** What the foot of the page shows besides the thread and who answers. */
export interface ComposerFacts {
  /** What is in the field already: what could not be sent. */
  readonly typed: string;
  /** The files that could not be sent with it. */
  readonly attached: readonly StoredFile[];
  readonly attachBounds: AttachBounds;
  /** The message that was just deleted, for a browser without scripts. */
  readonly pruned: MessageId | null;
  /** What went wrong with what was sent. */
  readonly notice: FailureReport | null;
  /**
   * For a browser without scripts: the foot comes before the growing thread, the field is read-only while an
   * answer is written, and the page reloads when it ends.
   */
  readonly isPlain: boolean;
  /** The next message's id. */
  readonly message: string;
  /**
   * Longest message, in bytes of UTF-8. The page checks it, because a frame far beyond it closes the socket.
   */
  readonly messageMaxBytes: number;
  /** Never written to disk. */
  readonly isTemporary: boolean;
  readonly allowance: Allowance;
}

interface ComposerProps extends ComposerFacts {
  readonly conversation: ConversationId;
  readonly state: ComposerState;
  readonly thread: Thread;
  readonly persona: PersonaId | null;
  /** Collections that the page's address names. */
  readonly documents: readonly CollectionId[];
  /** Names of the collections that the conversation has chosen; null for one that is gone. */
  readonly answersFrom?: readonly (string | null)[];
  readonly words: Words;
}

export function Composer({
  allowance,
  attachBounds,
  attached,
  conversation,
  typed,
  pruned,
  notice,
  isPlain,
  message,
  state,
  messageMaxBytes,
  thread,
  persona,
  documents,
  answersFrom = [],
  isTemporary,
  words,
}: ComposerProps) {
  const isShut = isPlain && state.run !== "idle";
  return (
    <div class="composer">
      <div id={composerIds.notice} role="alert">
        {notice && <Notice failure={notice} words={words} />}
        {pruned !== null && <Pruned conversation={conversation} message={pruned} words={words} />}
      </div>
      <template id="too-long">
        <p>{words.tooLong(messageMaxBytes)}</p>
      </template>
      <form
        id="say"
        hx-ws:send
        method="post"
        action={commandPath(conversation)}
        enctype="multipart/form-data"
        novalidate
        data-drop={words.attachments.drop}
      >
        <input type="hidden" name="type" value="say" />
        <input type="hidden" name="message" id="message-id" value={message} />
        {persona !== null && thread.length === 0 && <input type="hidden" name="persona" value={persona} />}
        {thread.length === 0 && documents.map((id) => <input type="hidden" name="documents" value={id} />)}
        <Attach bounds={attachBounds} attached={attached} isDisabled={isShut} words={words} />
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
          readonly={isShut}
        >
          {typed === "" ? "" : raw(`\n${escapeText(typed)}`)}
        </textarea>
        <div id={composerIds.controls}>
          <Controls state={state} words={words} />
        </div>
      </form>
      <form id="halt" hx-ws:send method="post" action={commandPath(conversation)} hidden>
        <input type="hidden" name="type" value="stop" />
      </form>
      <div class="foot">
        {isTemporary && <p class="temporary">{words.temporary}</p>}
        <p id={composerIds.answersFrom} class="answers-from">
          <AnswersFrom names={answersFrom} words={words} />
        </p>
        <p id="hint" class="hint">
          {words.hint}
        </p>
        <p id={composerIds.allowance} class="allowance">
          <AllowanceLine allowance={allowance} words={words} />
        </p>
        <p id={composerIds.context} class="context">
          <Gauge thread={thread} words={words} />
        </p>
      </div>
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

/** The collections from which the conversation answers besides its persona's; empty for none. */
export function AnswersFrom({ names, words }: { names: readonly (string | null)[]; words: Words }) {
  const { answersFrom, gone } = words.library;
  return <>{names.length > 0 && answersFrom(names.map((name) => name ?? gone))}</>;
}

/** What somebody has used of what they may, where there are bounds: seen before they bite. */
export function AllowanceLine({ allowance, words }: { allowance: Allowance; words: Words }) {
  return <>{words.allowance(allowance).join(" · ")}</>;
}

/**
 * How full the context was when the latest answer ended, as counted by llama-server; empty before. The mark
 * shows from where on the next question leaves out old messages.
 */
export function Gauge({ thread, words }: { thread: Thread; words: Words }) {
  const stats: RunStats =
    thread.findLast(({ run }) => run?.stats.contextTokens !== undefined)?.run?.stats ?? {};
  const { contextTokens, promptTokens, outputTokens = 0, roomTokens = contextTokens } = stats;
  if (contextTokens === undefined || roomTokens === undefined || promptTokens === undefined) return <></>;
  const used = promptTokens + outputTokens;
  return (
    <>
      <meter min={0} max={contextTokens} high={roomTokens} value={used} aria-hidden="true" />
      <span>
        {words.contextUsed(used, contextTokens)}
        {used > roomTokens && `: ${words.contextFull}`}
      </span>
    </>
  );
}
