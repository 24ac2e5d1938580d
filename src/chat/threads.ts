// What people do with the thread of a conversation besides asking: read it, choose a branch, delete and
// restore messages, choose settings. Questions and Runs are in chat/chat.

import { publishReshaped } from "../bus/bus.ts";
import type { Snapshot } from "../domain/event.ts";
import type { CollectionId, ConversationId, MessageId, PersonId } from "../domain/id.ts";
import { type EffectiveSettings, noSettings, type Settings } from "../domain/persona.ts";
import { isOfOneMoment } from "../domain/snapshots.ts";
import type { ThreadPage, Utterance } from "../domain/thread.ts";
import { chosenCollections } from "./chosen-collections.ts";
import type { ChatDependencies } from "./dependencies.ts";

/**
 * Most reads of one thread: it is read again when rendering it took so long that it may have changed
 * meanwhile, or when a Run has begun or ended.
 */
const readMax = 5;

/** A thread, or a part of it, with its Runs in progress and its settings, all of one instant. */
type LiveThread = ThreadPage & {
  readonly live: readonly Snapshot[];
  readonly effective: EffectiveSettings;
  /** Names of the collections that the conversation has chosen; null for one that is gone. */
  readonly answersFrom: readonly (string | null)[];
};

type ThreadsDependencies = Pick<
  ChatDependencies,
  "store" | "storeOf" | "bus" | "settings" | "runs" | "drawAhead" | "bounds"
>;

export class Threads {
  readonly #deps: ThreadsDependencies;

  constructor(deps: ThreadsDependencies) {
    this.#deps = deps;
  }

  /**
   * The end of the thread; with `before`, the messages before that one; with `through`, all back to that
   * one.
   */
  async read(
    conversation: ConversationId,
    part: { before?: MessageId; through?: MessageId } = {},
  ): Promise<LiveThread> {
    const { settings, bounds, drawAhead, runs } = this.#deps;
    const store = this.#deps.storeOf(conversation);
    const found = await store.conversation(conversation);
    const effective = await settings.of(found?.settings ?? noSettings);
    const { documents = [] } = effective;
    const answersFrom = found && documents.length > 0 ? await this.namesOf(documents, found.owner) : [];
    for (let times = 1; ; times++) {
      const stored = await store.thread(conversation, { ...part, limit: bounds.pageMaxMessages });
      const page = withEnd(stored, runs.unstored(conversation));
      const isLate = await drawAhead(page.thread);
      const live = await this.live(conversation);
      if ((!isLate && isOfOneMoment(page.thread, live, part.before === undefined)) || times >= readMax)
        return { ...page, effective, answersFrom, live };
    }
  }

  /** Names of collections; null for one that is gone or not within the person's reach. */
  async namesOf(documents: readonly CollectionId[], person: PersonId): Promise<readonly (string | null)[]> {
    const { collections } = this.#deps.store;
    const found = await Promise.all(documents.map((id) => collections.collection(id)));
    return found.map((each) => (each && (each.owner ?? person) === person ? each.name : null));
  }

  /** Snapshots of the conversation's Runs in progress, as of the last event of each. */
  live(conversation: ConversationId): Promise<readonly Snapshot[]> {
    return this.#deps.runs.live(conversation);
  }

  /** Shows another branch. @throws Failure `not_found`, `conversation_busy` */
  async select(conversation: ConversationId, message: MessageId): Promise<void> {
    await this.#deps.storeOf(conversation).select(conversation, message);
    this.#reshaped(conversation);
  }

  /**
   * Deletes a message and all that follow it, until `unprune`.
   * @throws Failure `not_found`, `conversation_busy`
   */
  async prune(conversation: ConversationId, message: MessageId): Promise<void> {
    await this.#deps.storeOf(conversation).prune(conversation, message);
    this.#reshaped(conversation);
  }

  /** Restores a message and what was deleted with it. @throws Failure `not_found`, `conversation_busy` */
  async unprune(conversation: ConversationId, message: MessageId): Promise<void> {
    await this.#deps.storeOf(conversation).unprune(conversation, message);
    this.#reshaped(conversation);
  }

  /**
   * Changes the settings of later answers. Collections that are not named stay as they are.
   * @throws Failure `not_found`, `persona_missing`, `bad_setting`, `collection_unknown`
   */
  async settle(conversation: ConversationId, settings: Settings): Promise<void> {
    await this.#deps.settings.check(settings);
    const store = this.#deps.storeOf(conversation);
    const { collections } = this.#deps.store;
    const id = (await store.ownerOf(conversation)) ?? "";
    if (settings.documents) await chosenCollections({ id }, settings.documents, collections);
    const documents = settings.documents ?? (await store.conversation(conversation))?.settings.documents;
    await store.setSettings(conversation, { ...settings, ...(documents && { documents }) });
    this.#reshaped(conversation);
  }

  #reshaped(conversation: ConversationId): void {
    publishReshaped(this.#deps.bus, conversation);
  }
}

/** The page with the end of a Run that is known, but not stored yet. */
function withEnd(page: ThreadPage, end: Utterance | undefined): ThreadPage {
  if (!end) return page;
  const shown = (each: Utterance) =>
    each.run !== null && each.run.id === end.run?.id ? { ...each, message: end.message, run: end.run } : each;
  return { ...page, thread: page.thread.map(shown) };
}
