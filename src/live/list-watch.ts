// One person's list on all their open pages. Changes that come close together are sent in one frame.

import { type ListEntryChanged, listTopic } from "../domain/event.ts";
import type { ConversationId, PersonId } from "../domain/id.ts";
import type { ListSource } from "./dependencies.ts";
import { allowanceFrame, entryFrame, listFrame } from "./frames.ts";
import type { Outbox } from "./outbox.ts";
import { type Frame, oncePerView, type View } from "./view.ts";

/** The socket of a page that shows the list. */
interface ListSocket {
  readonly conversation: ConversationId;
  readonly outbox: Outbox;
  readonly view: View;
}

/**
 * Changes within this time, in ms, go out together: else each start and end of a Run would be a frame on
 * each page.
 */
const listFoldMs = 100;
/** Time after which a list that could not be read is tried again, in ms. */
const againMs = 1_000;
/** With more changed entries than this, the whole first page is sent. */
const entriesMax = 10;

export class ListWatch {
  readonly sockets = new Set<ListSocket>();
  readonly #person: PersonId;
  readonly #source: ListSource;
  readonly #unsubscribe: () => void;
  /** Entries that have changed since the last frame, and whether each moves to the top. */
  readonly #changed = new Map<ConversationId, boolean>();
  /** True when any entry may have changed since the last frame. */
  #isMissed = false;
  /** True since the list could not be read. */
  #isFailing = false;
  #timer: Timer | null = null;

  constructor(person: PersonId, source: ListSource) {
    this.#person = person;
    this.#source = source;
    this.#unsubscribe = source.bus.subscribe(
      listTopic(person),
      (event) => event.kind === "listed" && this.#onChange(event),
      () => this.#onMissed(),
    );
  }

  close(): void {
    this.#unsubscribe();
    if (this.#timer) clearTimeout(this.#timer);
  }

  /** The list and the used allowance as they are now, for one page. */
  async snapshot({ conversation, view }: Pick<ListSocket, "conversation" | "view">): Promise<string> {
    const [list, allowance] = await Promise.all([
      this.#source.list(this.#person),
      this.#source.allowance(this.#person),
    ]);
    return listFrame(list, conversation, view) + allowanceFrame(allowance, view);
  }

  #onChange({ conversation, isLatest }: ListEntryChanged): void {
    const isStillLatest = isLatest && (this.#changed.get(conversation) ?? true);
    this.#changed.delete(conversation); // so that the map is ordered by last change
    this.#changed.set(conversation, isStillLatest);
    this.#later();
  }

  #onMissed(): void {
    this.#isMissed = true;
    this.#later();
  }

  #later(ms = listFoldMs): void {
    this.#timer ??= setTimeout(() => void this.#send(), ms);
  }

  /** Sends every page what has changed: a few latest entries, or the whole first page. */
  async #send(): Promise<void> {
    const changed = new Map(this.#changed);
    const isMissed = this.#isMissed;
    this.#changed.clear();
    this.#isMissed = false;
    this.#timer = null;
    try {
      const isFew =
        !isMissed && changed.size <= entriesMax && [...changed.values()].every((isLatest) => isLatest);
      const entries = isFew
        ? await Promise.all([...changed.keys()].map((id) => this.#source.listed(id)))
        : [];
      const found = entries.filter((entry) => entry !== null);
      const list = isFew && found.length === changed.size ? null : await this.#source.list(this.#person);
      const allowance = await this.#source.allowance(this.#person);
      const frames = new Map<ConversationId, Frame>();
      for (const { conversation, outbox, view } of this.sockets) {
        const open = list || changed.has(conversation) ? conversation : "";
        const renderEntries = (inView: View) =>
          list
            ? listFrame(list, open, inView)
            : found.map((entry) => entryFrame(entry, entry.id === open, inView)).join("");
        const frame =
          frames.get(open) ??
          oncePerView((inView) => renderEntries(inView) + allowanceFrame(allowance, inView));
        frames.set(open, frame);
        outbox.send(frame(view), "surroundings");
      }
      this.#isFailing = false;
    } catch (error) {
      if (!this.#isFailing) this.#source.onError(error);
      this.#isFailing = this.#isMissed = true;
      if (this.sockets.size > 0) this.#later(againMs);
    }
  }
}
