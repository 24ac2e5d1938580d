// What people can do in the house: say something, try again, stop, read a thread.
// Decides whether it may be done, has it stored, hands Runs on to chat/runs. No sockets, no HTML, no fetch.

import type { Allowance, Person } from "../domain/account.ts";
import type { Conversation } from "../domain/conversation.ts";
import type { Snapshot } from "../domain/event.ts";
import { Failure } from "../domain/failure.ts";
import { type ConversationId, isTemporary, type MessageId, type RunId } from "../domain/id.ts";
import { type EffectiveSettings, noSettings, type Settings } from "../domain/persona.ts";
import type { ThreadPage } from "../domain/thread.ts";
import { type Admission, perMinute, runsBucket } from "../store/accounts.ts";
import type { QueuedRun, RunRequest, Store } from "../store/store.ts";
import { SettingsResolver } from "./effective-settings.ts";
import type { Tap } from "./live-run.ts";
import type { ChatParts } from "./parts.ts";
import { Runs } from "./runs.ts";

export interface Say {
  readonly conversation: ConversationId;
  readonly message: MessageId;
  readonly text: string;
  /** The earlier question that this one replaces, as a branch beside it. */
  readonly edits?: MessageId;
  /** Of the conversation, if this is the first that is said in it. */
  readonly settings?: Settings;
  /** Names the wish in logs, here and in llama-server's. */
  readonly request?: string;
}

/** A wish for another Run about a message that is there. */
interface RetryRequest {
  readonly conversation: ConversationId;
  readonly message: MessageId;
  readonly request?: string;
}

/** A thread that took long to be drawn is read again, for it may have changed meanwhile; at most so often. */
const readMax = 4;

/** A thread, or a part of it, at one instant: what is being written in it, how it is answered. */
export type ThreadNow = ThreadPage & {
  readonly live: readonly Snapshot[];
  readonly voice: EffectiveSettings;
};

export class Chat {
  readonly voices: SettingsResolver;
  /** The Runs in progress: what the operator sees of them, and stops. */
  readonly runs: Runs;
  readonly #parts: ChatParts;
  #closed = false;

  constructor(parts: ChatParts) {
    this.#parts = parts;
    this.voices = new SettingsResolver(parts.personas, parts.enforcedPersona);
    this.runs = new Runs({
      ...parts,
      voices: this.voices,
      storeOf: (conversation) => this.storeOf(conversation),
    });
  }

  /**
   * The conversation, if it is this person's; null for one that is not there (yet, or any more). Every door asks here before anything is read or done.
   * @throws Failure `not_found` for somebody else's, in the words of a missing one
   */
  async enter(person: Pick<Person, "id">, conversation: ConversationId): Promise<Conversation | null> {
    const store = this.storeOf(conversation);
    const owner = await store.ownerOf(conversation);
    if (owner !== null && owner !== person.id) throw new Failure("not_found");
    return owner === null ? null : store.conversation(conversation);
  }

  /**
   * Stores a message and queues its answer: the Run. A message id that is known already changes nothing, and has none.
   * @throws Failure `message_empty`, `message_too_long`, `persona_missing`, `bad_setting`, `conversation_busy`, `queue_full`,
   *   `too_many_waiting`, `runs_limit`, `tokens_limit`, `shutting_down`
   */
  async say(person: Person, say: Say, tap?: Tap): Promise<RunId | null> {
    this.#refuseWhileClosing();
    const [limitBytes, bytes] = [this.messageMaxBytes(person), Buffer.byteLength(say.text)];
    if (say.text.trim() === "") throw new Failure("message_empty");
    if (bytes > limitBytes) throw new Failure("message_too_long", { bytes, limitBytes });
    const store = this.storeOf(say.conversation);
    // only the first question makes settings: a page that was open since then still sends those it began with
    const first = say.settings && !(await store.conversation(say.conversation)) && say.settings;
    if (first) await this.voices.check(first);
    const model = await this.#modelOf(say.conversation, say.settings);
    const said = await this.#admitted(person, (admission) =>
      store.say({ ...say, text: say.text.toWellFormed(), ...admission }),
    );
    if (said)
      this.#enqueue(person, said, {
        isAddedAtEnd: say.edits === undefined,
        model,
        tap,
        request: say.request,
      });
    // the page that asks shows the persona that it has chosen; what else it has is shown once the conversation has it
    if (said && first && (first.model !== undefined || Object.keys(first.sampling).length > 0))
      this.#reshaped(say.conversation);
    return said?.run.id ?? null;
  }

  /**
   * Refuses early whom `say`, or a program's request, would refuse whatever is asked; takes nothing. For doors, before they read a body.
   * @throws Failure `queue_full`, `too_many_waiting`, `runs_limit`, `tokens_limit`, `shutting_down`
   */
  async mayAsk(person: Person): Promise<void> {
    this.#refuseWhileClosing();
    this.runs.leases.needRoomInLine();
    const { usage } = this.#parts.store;
    await usage.mayAdmit({ owner: person.id, limits: this.runs.leases.limitsOf(person) });
  }

  /** What somebody has used of what they may. */
  async allowance({ id, limits }: Pick<Person, "id" | "limits">): Promise<Allowance> {
    const { usage } = this.#parts.store;
    const { runsPerMinute } = limits;
    const runsLeft =
      runsPerMinute === null ? null : Math.floor(await usage.level(runsBucket(id), perMinute(runsPerMinute)));
    return { usage: await usage.today(id), limits, runsLeft };
  }

  /** Longest message of somebody, in UTF-8. */
  messageMaxBytes({ limits }: Person): number {
    return Math.min(this.#parts.bounds.messageMaxBytes, limits.messageMaxBytes ?? Number.POSITIVE_INFINITY);
  }

  /**
   * Queues another attempt at an answer, as a branch beside it.
   * @throws Failure `not_found`, else as `say`
   */
  async retry(person: Person, wish: RetryRequest): Promise<void> {
    await this.#again(person, (store, ask) => store.retry(ask), wish);
  }

  /**
   * Queues a Run that goes on with the last answer where it ended.
   * @throws Failure `not_found`, else as `say`
   */
  async continue(person: Person, wish: RetryRequest): Promise<void> {
    await this.#again(person, (store, ask) => store.continue(ask), wish);
  }

  /** Shows another branch. @throws Failure `not_found`, `conversation_busy` */
  async select(conversation: ConversationId, message: MessageId): Promise<void> {
    await this.storeOf(conversation).select(conversation, message);
    this.#reshaped(conversation);
  }

  /** Deletes a message with what follows it, until `unprune`. @throws Failure `not_found`, `conversation_busy` */
  async prune(conversation: ConversationId, message: MessageId): Promise<void> {
    await this.storeOf(conversation).prune(conversation, message);
    this.#reshaped(conversation);
  }

  /** Brings back what was deleted with a message. @throws Failure `not_found`, `conversation_busy` */
  async unprune(conversation: ConversationId, message: MessageId): Promise<void> {
    await this.storeOf(conversation).unprune(conversation, message);
    this.#reshaped(conversation);
  }

  /** How a conversation is answered from now on. @throws Failure `not_found`, `persona_missing`, `bad_setting` */
  async settle(conversation: ConversationId, settings: Settings): Promise<void> {
    await this.voices.check(settings);
    await this.storeOf(conversation).settle(conversation, settings);
    this.#reshaped(conversation);
  }

  /** Stops whatever Run the conversation has, waiting or running. No effect when there is none. */
  stop(conversation: ConversationId): void {
    this.runs.stop({ conversation });
  }

  /** The end of the thread (or of what stands before a message, or as much of it as reaches back to one). */
  async thread(
    conversation: ConversationId,
    part: { before?: MessageId; through?: MessageId } = {},
  ): Promise<ThreadNow> {
    const store = this.storeOf(conversation);
    const voice = await this.voices.of((await store.conversation(conversation))?.settings ?? noSettings);
    const read = () => store.thread(conversation, { ...part, limit: this.#parts.bounds.pageMaxMessages });
    let page = await read();
    for (let times = 1; times < readMax && (await this.#parts.drawAhead(page.thread)); times++)
      page = await read();
    return { ...page, voice, live: this.live(conversation) }; // nothing is waited for between the page and what is live
  }

  /** The Runs in progress of a conversation, as their events so far have told it. */
  live(conversation: ConversationId): readonly Snapshot[] {
    return this.runs.inProgress.of(conversation);
  }

  /** Where a conversation is kept. */
  storeOf(conversation: ConversationId): Store {
    return isTemporary(conversation) ? this.#parts.temporary : this.#parts.store;
  }

  /** Takes up what the process before this one left. */
  async recover(): Promise<void> {
    const { people, usage, settings } = this.#parts.store;
    this.runs.restore(await usage.shares(), await settings.get("waits"));
    for (const left of await this.#parts.store.unfinishedRuns())
      this.runs.recover(left, await people.person(left.run.owner));
  }

  /** Stops a conversation's Run and forgets the conversation once that has ended. */
  async forget(conversation: ConversationId): Promise<void> {
    this.stop(conversation);
    await this.runs.inProgress.overIn(conversation);
    if (!this.#closed) await this.storeOf(conversation).forget(conversation);
  }

  /** Forgets the temporary conversations in which nothing was said since `idleSince` (milliseconds since 1970) and that nobody looks at. */
  async forgetTemporary(
    idleSince: number,
    isWatched: (conversation: ConversationId) => boolean,
  ): Promise<void> {
    for (const id of await this.#parts.temporary.ids({ idleSince })) {
      if (!isWatched(id) && this.live(id).length === 0) await this.#parts.temporary.forget(id);
    }
  }

  /** No new Runs; those that run get `graceMs`, then they are interrupted. Who waits is kept in the Store for the next process. */
  async close(graceMs: number): Promise<void> {
    await this.runs.close(graceMs);
    this.#closed = true;
  }

  #refuseWhileClosing(): void {
    if (this.runs.closing) throw new Failure("shutting_down");
  }

  async #again(
    person: Person,
    queue: (store: Store, ask: RunRequest) => Promise<QueuedRun>,
    { conversation, message, request }: RetryRequest,
  ): Promise<void> {
    this.#refuseWhileClosing();
    const model = await this.#modelOf(conversation);
    const said = await this.#admitted(person, (admission) =>
      queue(this.storeOf(conversation), { conversation, message, ...admission }),
    );
    this.#enqueue(person, said, { isAddedAtEnd: false, model, request });
  }

  /** Queues within the person's bounds and the house's; a full line says when there will be room. */
  async #admitted<T>(person: Person, queue: (admission: Admission) => Promise<T>): Promise<T> {
    try {
      const { leases } = this.runs;
      const queueMaxRuns = this.#parts.bounds.queueMaxRuns - leases.waiting();
      return await queue({ owner: person.id, limits: leases.limitsOf(person), queueMaxRuns });
    } catch (error) {
      if (!(error instanceof Failure && error.code === "queue_full")) throw error;
      const waitMs = this.runs.line.waitMs();
      throw waitMs === null
        ? error
        : new Failure("queue_full", { ...error.facts, seconds: Math.max(1, Math.ceil(waitMs / 1000)) });
    }
  }

  #enqueue(
    person: Person,
    said: QueuedRun,
    {
      isAddedAtEnd,
      ...rest
    }: { isAddedAtEnd: boolean; model: string | null; tap?: Tap | undefined; request?: string | undefined },
  ): void {
    if (!isAddedAtEnd) this.#reshaped(said.run.conversation);
    this.runs.enqueue(person, said, { question: isAddedAtEnd ? said.question : null, ...rest });
  }

  /** The model that a conversation's next answer will ask for, where there is more than one. */
  async #modelOf(conversation: ConversationId, settings: Settings = noSettings): Promise<string | null> {
    if (this.#parts.upstream.state.models.length <= 1) return null;
    return (
      await this.voices.of(
        (await this.storeOf(conversation).conversation(conversation))?.settings ?? settings,
      )
    ).model;
  }

  #reshaped(conversation: ConversationId): void {
    this.#parts.bus.publish(conversation, { kind: "reshaped", conversation });
  }
}
