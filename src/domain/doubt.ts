// Sentences of an answer that are marked for their words alone: a model may find them in a source by their
// sense. Pure.

/** A sentence that lacks only words, and the numbers of the sources that it cites. */
export interface Doubt {
  readonly sentence: string;
  readonly cites: readonly number[];
}

/** Names a sentence in the figures of its Run, which hold no text. */
export const sentenceKey = (sentence: string): string => Bun.hash.xxHash64(sentence).toString(36);
