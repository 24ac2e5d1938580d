// What a reader of RunEvents knows of the Runs in progress: their Snapshots, kept up to date by the events.
// Every event says where it belongs (`n`, and `at` for text), so that an event that comes twice, late or not
// at all can't double, skip or misplace text. Pure: where the events come from is known in runs/following.

import type { RunEvent, Snapshot } from "./event.ts";
import type { RunId } from "./id.ts";
import { grown, type Parts, sizeOf, sourcesIn } from "./part.ts";
import type { Thread } from "./thread.ts";

/** Ended Runs that are remembered, so that an event that comes late does not bring one of them back. */
const endedMax = 16;

export class Snapshots {
  readonly #runs = new Map<RunId, Snapshot>();
  readonly #ended: RunId[] = [];

  constructor(live: readonly Snapshot[]) {
    for (const snapshot of live) this.#runs.set(snapshot.run, snapshot);
  }

  get all(): readonly Snapshot[] {
    return [...this.#runs.values()];
  }

  /**
   * Takes an event. Returns what of it is new: the event, the rest of its text, or null when all of it is
   * known. `missing` when something before it has not come: then only fresh Snapshots help.
   */
  take(event: RunEvent): RunEvent | null | "missing" {
    const known = this.#runs.get(event.run);
    if (event.kind === "ended") return this.#end(event, known !== undefined);
    if (this.#ended.includes(event.run)) return null;
    if (known === undefined) return event.kind === "queued" ? this.#begin(event) : "missing";
    const isNext = event.n === known.n + 1;
    if (event.kind === "part") return this.#grow(event, known, isNext);
    if (event.n <= known.n) return null;
    if (event.kind === "queued") return this.#takenOver(event, known);
    if (!isNext) return "missing";
    const goesOn = event.kind === "started" && known.status === "running";
    this.#runs.set(event.run, { ...known, ...changeOf(event, known), n: event.n });
    return goesOn ? null : event;
  }

  /**
   * Another process runs it now, and counts anew. What is known of its text stays: all later text says where
   * it belongs.
   */
  #takenOver(event: RunEvent & { kind: "queued" }, known: Snapshot): null {
    this.#runs.set(event.run, { ...known, n: event.n, place: null });
    return null;
  }

  #begin(event: RunEvent & { kind: "queued" }): RunEvent {
    const { run, owner, messageId, n, answer } = event;
    this.#runs.set(run, {
      ...{ run, owner, messageId, n, status: "queued", parts: answer.parts, from: 0 },
      ...{ thinkingSince: null, place: null, progress: null, stopping: false },
    });
    return event;
  }

  #grow(event: RunEvent & { kind: "part" }, known: Snapshot, isNext: boolean): RunEvent | null | "missing" {
    const size = sizeOf(known.parts);
    const { kind, text } = event.piece;
    if (event.at + text.length <= size) {
      if (isNext) this.#runs.set(event.run, { ...known, n: event.n });
      return null;
    }
    if (event.at > size || event.n > known.n + 1) return "missing";
    const piece = event.at < size ? { kind, text: text.slice(size - event.at) } : event.piece;
    this.#runs.set(event.run, {
      ...known,
      n: isNext ? event.n : known.n,
      from: event.from,
      parts: grown(known.parts, event.from, piece),
      thinkingSince: event.since,
    });
    return piece === event.piece ? event : { ...event, piece, at: size };
  }

  /** The last event holds the whole message, so it needs nothing before it but the message's place. */
  #end(event: RunEvent & { kind: "ended" }, isKnown: boolean): RunEvent | null | "missing" {
    if (this.#ended.includes(event.run)) return null;
    this.#ended.push(event.run);
    if (this.#ended.length > endedMax) this.#ended.shift();
    this.#runs.delete(event.run);
    return isKnown ? event : "missing";
  }
}

/** What an event changes in a Snapshot, apart from its text. */
function changeOf(event: RunEvent, known: Snapshot): Partial<Snapshot> {
  switch (event.kind) {
    case "place":
      return { place: event.place };
    case "started":
      return { status: "running", place: null, ...foundIn(event.answer.parts, known) };
    case "prompt":
      return { progress: event.progress };
    case "stopping":
      return { stopping: true };
    default:
      return {};
  }
}

/**
 * True if a thread and Snapshots show the same moment: exactly the Runs that are active in the thread are in
 * progress. A page of older messages (`hasEnd` false) need not show all of them.
 */
export function isOfOneMoment(thread: Thread, live: readonly Snapshot[], hasEnd = true): boolean {
  const active = thread.flatMap(({ run }) =>
    run?.status === "queued" || run?.status === "running" ? [run.id] : [],
  );
  const isLive = active.every((id) => live.some(({ run }) => run === id));
  return isLive && (!hasEnd || live.every(({ run }) => active.includes(run)));
}

/** The passages that a Run has found for its answer, where they are not known yet. */
const foundIn = (parts: Parts, known: Snapshot): Partial<Snapshot> =>
  sourcesIn(parts).length > 0 && sourcesIn(known.parts).length === 0 ? { parts } : {};
