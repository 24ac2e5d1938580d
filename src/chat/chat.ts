// What makes and stops Runs: a question, another attempt, Stop. Checks that it is allowed, stores it and
// hands new Runs to runs/runs. What else people do with a thread is in chat/threads. No sockets, no HTML, no
// fetch.

import { publishReshaped } from "../bus/bus.ts";
import type { Person } from "../domain/account.ts";
import type { Conversation } from "../domain/conversation.ts";
import { Failure } from "../domain/failure.ts";
import type { FileId } from "../domain/file.ts";
import type { ConversationId, MessageId, RunId } from "../domain/id.ts";
import { noSettings, type Settings } from "../domain/persona.ts";
import type { Run } from "../domain/run.ts";
import type { ModelFacts } from "../domain/upstream.ts";
import type { Tap } from "../runs/runs.ts";
import type { QueuedRun, RunRequest, Store } from "../store/store.ts";
import { chosenCollections } from "./chosen-collections.ts";
import type { ChatDependencies } from "./dependencies.ts";
import { filesOf, refuseUnseen } from "./question-files.ts";
import { isChosen } from "./settings-fields.ts";

interface SayRequest {
  readonly conversation: ConversationId;
  readonly message: MessageId;
  readonly text: string;
  /** Files that the person has sent before; of an edit without any, those of the edited question. */
  readonly files?: readonly FileId[];
  /** The earlier question that this one replaces, as a branch beside it. */
  readonly edits?: MessageId;
  /** Settings of the conversation; they count only with its first message. */
  readonly settings?: Settings;
  /** Ids or names of the collections that this answer and later ones come from; absent: as before. */
  readonly collections?: readonly string[];
  /** Id of the request in the logs of parlor and of llama-server. */
  readonly request?: string;
}

/** A request for another Run at an existing message. */
interface RetryRequest extends Pick<Run, "withoutDocuments"> {
  readonly conversation: ConversationId;
  readonly message: MessageId;
  readonly request?: string;
}

export class Chat {
  readonly #deps: ChatDependencies;

  constructor(deps: ChatDependencies) {
    this.#deps = deps;
  }

  /**
   * The conversation, if it belongs to this person; null if it does not exist (yet, or any more). Every
   * endpoint calls this before it reads or changes anything in a conversation.
   * @throws Failure `not_found` for another person's conversation, as if it did not exist
   */
  async enter(person: Pick<Person, "id">, conversation: ConversationId): Promise<Conversation | null> {
    const store = this.#deps.storeOf(conversation);
    const owner = await store.ownerOf(conversation);
    if (owner !== null && owner !== person.id) throw new Failure("not_found");
    return owner === null ? null : store.conversation(conversation);
  }

  /**
   * Stores a message and queues its answer. Returns the Run of the answer; null if a message with this id was
   * stored before, which changes nothing.
   * @throws Failure `message_empty`, `message_too_long`, `too_many_files`, `no_vision`, `no_hearing`,
   *   `persona_missing`, `bad_setting`, `collection_unknown`, `not_found` (a file), `conversation_busy`,
   *   `queue_full`, `too_many_waiting`, `runs_limit`, `tokens_limit`, `shutting_down`
   */
  async say(person: Person, say: SayRequest, tap?: Tap): Promise<RunId | null> {
    const { quota, settings } = this.#deps;
    quota.refuseWhileClosing();
    const [limitBytes, bytes] = [quota.messageMaxBytes(person), Buffer.byteLength(say.text)];
    const files = filesOf(say.files ?? [], this.#deps.bounds.messageFilesMax);
    const text = say.text.trim() === "" ? "" : say.text.toWellFormed();
    if (text === "" && files.length === 0) throw new Failure("message_empty");
    if (bytes > limitBytes) throw new Failure("message_too_long", { bytes, limitBytes });
    const store = this.#deps.storeOf(say.conversation);
    // only the first question sets settings: a page that has been open since then still sends those it
    // started with
    const first = (await store.conversation(say.conversation)) ? undefined : say.settings;
    if (first) await settings.check(first);
    if (first?.documents) await chosenCollections(person, first.documents, this.#deps.store.collections);
    const model = await this.#modelOf(say.conversation, say.settings);
    await refuseUnseen(files, store.files, this.#deps.upstream, model);
    const { collections } = this.#deps.store;
    const documents = say.collections && (await chosenCollections(person, say.collections, collections));
    const given = { ...(files.length > 0 && { files }), ...(documents && { documents }) };
    const said = await quota.admit(person, (admission) =>
      store.say({ ...say, text, ...given, ...admission }),
    );
    if (said)
      this.#enqueue(person, said, {
        isAddedAtEnd: say.edits === undefined,
        model,
        tap,
        request: say.request,
      });
    // the asking page shows the persona that it chose; it learns the other settings once the conversation
    // has them
    if (said && (documents || (first && isChosen({ ...first, persona: null }))))
      publishReshaped(this.#deps.bus, say.conversation);
    return said?.run.id ?? null;
  }

  /**
   * Queues another attempt at an answer, as a branch beside it.
   * @throws Failure `not_found`, else as `say`
   */
  async retry(person: Person, request: RetryRequest): Promise<void> {
    await this.#again(person, (store, ask) => store.retry(ask), request);
  }

  /**
   * Queues a Run that continues the last answer where it ended.
   * @throws Failure `not_found`, else as `say`
   */
  async continue(person: Person, request: RetryRequest): Promise<void> {
    await this.#again(person, (store, ask) => store.continue(ask), request);
  }

  /** Stops the conversation's Run, waiting or running. No effect if there is none. */
  stop(conversation: ConversationId): void {
    this.#deps.runs.stop({ conversation });
  }

  async #again(
    person: Person,
    storeAttempt: (store: Store, ask: RunRequest) => Promise<QueuedRun>,
    { request, ...which }: RetryRequest,
  ): Promise<void> {
    const { quota, storeOf } = this.#deps;
    quota.refuseWhileClosing();
    const model = await this.#modelOf(which.conversation);
    const said = await quota.admit(person, (admission) =>
      storeAttempt(storeOf(which.conversation), { ...which, ...admission }),
    );
    this.#enqueue(person, said, { isAddedAtEnd: false, model, request });
  }

  #enqueue(
    person: Person,
    said: QueuedRun,
    {
      isAddedAtEnd,
      ...rest
    }: { isAddedAtEnd: boolean; model: string | null; tap?: Tap | undefined; request?: string | undefined },
  ): void {
    this.#deps.runs.enqueue(person, said, { question: isAddedAtEnd ? said.question : null, ...rest });
  }

  /**
   * What is known of the model that would answer a question now. `first`: settings of a conversation that
   * does not exist yet.
   */
  async modelFacts(conversation: ConversationId, first?: Settings): Promise<ModelFacts> {
    return this.#deps.upstream.facts(await this.#modelOf(conversation, first));
  }

  /** The model that the conversation's next answer will request; null where there is at most one. */
  async #modelOf(conversation: ConversationId, settings: Settings = noSettings): Promise<string | null> {
    if (this.#deps.upstream.state.models.length <= 1) return null;
    const stored = await this.#deps.storeOf(conversation).conversation(conversation);
    return (await this.#deps.settings.of(stored?.settings ?? settings)).model;
  }
}
