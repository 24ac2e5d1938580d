// A Persona is a named system prompt with its sampling settings; Settings are what a conversation has chosen;
// a EffectiveSettings is how it is answered then. Plain facts: persona/ reads them from files, chat/ decides
// which holds.

import type { PersonaId } from "./id.ts";

/** What nobody has chosen is absent: llama-server's own setting holds. */
export interface Sampling {
  readonly temperature?: number;
  readonly topP?: number;
  /** Longest answer, in tokens. */
  readonly maxTokens?: number;
}

/**
 * Least and most of each. Beyond a temperature of 2 and outside of 0 to 1 for top-p no model writes sense.
 */
export const samplingBounds = {
  temperature: [0, 2],
  topP: [0, 1],
  maxTokens: [1, 1_000_000],
} as const satisfies Record<keyof Sampling, readonly [number, number]>;

/** True for a number that this setting can have; tokens come in whole ones. */
export function isWithin(name: keyof Sampling, value: number): boolean {
  const [least, most] = samplingBounds[name];
  return value >= least && value <= most && (name !== "maxTokens" || Number.isInteger(value));
}

/**
 * What is done when a conversation no longer fits into the context: the oldest exchanges stay behind, or it
 * ends with advice.
 */
export type Overflow = "drop" | "refuse";

export interface Persona {
  readonly id: PersonaId;
  readonly name: string;
  readonly description: string;
  /** The system message: the file's body, the list beside it, the language. Empty: none is sent. */
  readonly prompt: string;
  readonly sampling: Sampling;
  /** The model that it wants, as llama-server names it; null: whichever is there. */
  readonly model: string | null;
  /** BCP 47; null: that of the question. */
  readonly language: string | null;
  /** What an empty page says first; empty: the house's own words. */
  readonly greeting: string;
  /** Questions to begin with. */
  readonly starters: readonly string[];
  readonly overflow: Overflow;
}

/** What a conversation has chosen. */
export interface Settings {
  /** null: none. */
  readonly persona: PersonaId | null;
  /** Wins over the Persona's. */
  readonly sampling: Sampling;
  /** Wins over the Persona's; absent: not chosen. */
  readonly model?: string;
}

export const noSettings: Settings = { persona: null, sampling: {} };

/** How a conversation is answered. */
export interface EffectiveSettings {
  /** null: none was chosen, or the one that was is gone. */
  readonly persona: Persona | null;
  /** The chosen one's file is not there any more, or (`isBroken`) can't be used. */
  readonly missing: PersonaId | null;
  readonly isBroken?: boolean;
  /** The operator has one for all. */
  readonly isEnforced: boolean;
  /** What the conversation has chosen itself. */
  readonly own: Sampling;
  /** The model that is asked, as the conversation or its persona names it; null: whichever is there. */
  readonly model: string | null;
}
