// One person's list as their open pages show it: what has changed in it is told together, to all of them.

import type { Bus } from "../bus/bus.ts";
import type { Allowance } from "../domain/account.ts";
import type { ListedConversation } from "../domain/conversation.ts";
import { type ListEntryChanged, listTopic } from "../domain/event.ts";
import type { ConversationId, PersonId } from "../domain/id.ts";
import { allowanceFrame, entryFrame, type Frame, listFrame, once, type View } from "./frames.ts";
import type { Outbox } from "./outbox.ts";

/** What is asked of the house. */
export interface ListSource {
  readonly bus: Bus;
  /** One entry of the list; null when it is not in it (any more). */
  listed(conversation: ConversationId): Promise<ListedConversation | null>;
  /** The first page of somebody's list. */
  list(person: PersonId): Promise<readonly ListedConversation[]>;
  allowance(person: PersonId): Promise<Allowance>;
  failed(error: unknown): void;
}

/** A page that shows the list. */
interface ListSeat {
  readonly conversation: ConversationId;
  readonly outbox: Outbox;
  readonly view: View;
}

/** Changes of the list that come within this time are told together: with many at work each page would else hear of each start and end. */
const listFoldMs = 100;
/** With more changed entries than this the whole first page is told. */
const entriesMax = 10;

export class ListWatch {
  readonly seats = new Set<ListSeat>();
  readonly #person: PersonId;
  readonly #source: ListSource;
  readonly #unsubscribe: () => void;
  /** Entries that have changed since the pages were last told, and whether each belongs at the top. */
  readonly #changed = new Map<ConversationId, boolean>();
  #timer: Timer | null = null;

  constructor(person: PersonId, source: ListSource) {
    this.#person = person;
    this.#source = source;
    this.#unsubscribe = source.bus.subscribe(
      listTopic(person),
      (event) => event.kind === "listed" && this.#hear(event),
    );
  }

  close(): void {
    this.#unsubscribe();
    if (this.#timer) clearTimeout(this.#timer);
  }

  /** The list and what was used, as they are now, for one page. */
  async now({ conversation, view }: Pick<ListSeat, "conversation" | "view">): Promise<string> {
    const [list, allowance] = await Promise.all([
      this.#source.list(this.#person),
      this.#source.allowance(this.#person),
    ]);
    return listFrame(list, conversation, view) + allowanceFrame(allowance, view);
  }

  #hear({ conversation, isLatest }: ListEntryChanged): void {
    const isStillLatest = isLatest && (this.#changed.get(conversation) ?? true);
    this.#changed.delete(conversation); // so that the order is that of the last changes
    this.#changed.set(conversation, isStillLatest);
    this.#timer ??= setTimeout(() => void this.#tell(), listFoldMs);
  }

  /** Tells every page what has changed in the list: its few latest entries, or all of its first page. */
  async #tell(): Promise<void> {
    const changed = new Map(this.#changed);
    this.#changed.clear();
    this.#timer = null;
    try {
      const isFew = changed.size <= entriesMax && [...changed.values()].every((isLatest) => isLatest);
      const entries = isFew
        ? await Promise.all([...changed.keys()].map((id) => this.#source.listed(id)))
        : [];
      const found = entries.filter((entry) => entry !== null);
      const list = isFew && found.length === changed.size ? null : await this.#source.list(this.#person);
      const allowance = await this.#source.allowance(this.#person);
      const frames = new Map<ConversationId, Frame>();
      for (const { conversation, outbox, view } of this.seats) {
        const open = list || changed.has(conversation) ? conversation : "";
        const entriesIn = (inView: View) =>
          list
            ? listFrame(list, open, inView)
            : found.map((entry) => entryFrame(entry, entry.id === open, inView)).join("");
        const frame =
          frames.get(open) ?? once((inView) => entriesIn(inView) + allowanceFrame(allowance, inView));
        frames.set(open, frame);
        outbox.send(frame(view), "surroundings");
      }
    } catch (error) {
      this.#source.failed(error);
    }
  }
}
