// A Persona is a named system prompt with sampling settings. Settings are what a conversation has chosen.
// EffectiveSettings are what is used for its answers. Plain facts: persona/ reads files, chat/ decides.

import type { Grounding } from "./grounding-mode.ts";
import type { CollectionId, PersonaId } from "./id.ts";

/** Sampling settings. An absent one is left to llama-server. */
export interface Sampling {
  readonly temperature?: number;
  readonly topP?: number;
  /** Longest answer, in tokens. */
  readonly maxTokens?: number;
}

/**
 * Least and most of each. No model writes sensible text with a temperature above 2, or a top-p outside of 0
 * to 1.
 */
export const samplingBounds = {
  temperature: [0, 2],
  topP: [0, 1],
  maxTokens: [1, 1_000_000],
} as const satisfies Record<keyof Sampling, readonly [number, number]>;

/** True for a value within the setting's bounds. Tokens are integers. */
export function isWithin(name: keyof Sampling, value: number): boolean {
  const [least, most] = samplingBounds[name];
  return value >= least && value <= most && (name !== "maxTokens" || Number.isInteger(value));
}

/**
 * When a conversation no longer fits into the context: leave out the oldest exchanges, or refuse with advice.
 */
export type Overflow = "drop" | "refuse";

export interface Persona {
  readonly id: PersonaId;
  readonly name: string;
  readonly description: string;
  /**
   * The system message: the file's body, the list beside the file, the language. Empty: no system message is
   * sent.
   */
  readonly prompt: string;
  readonly sampling: Sampling;
  /** The model's name in llama-server; null: any model. */
  readonly model: string | null;
  /** BCP 47; null: the language of the question. */
  readonly language: string | null;
  /** Greeting on the page of an empty conversation; empty: the standard one. */
  readonly greeting: string;
  /** Questions that an empty conversation offers. */
  readonly starters: readonly string[];
  readonly overflow: Overflow;
  /** Names of collections from whose passages alone it answers; absent: it needs none. */
  readonly documents?: readonly string[];
  /** How its answers are checked against their sources; absent: `cite`. */
  readonly grounding?: Grounding;
}

/** What a conversation has chosen. */
export interface Settings {
  /** null: none. */
  readonly persona: PersonaId | null;
  /** Overrides the Persona's sampling. */
  readonly sampling: Sampling;
  /** Overrides the Persona's model; absent: not chosen. */
  readonly model?: string;
  /** Collections that its answers come from, besides those of the Persona; absent: none was chosen. */
  readonly documents?: readonly CollectionId[];
}

export const noSettings: Settings = { persona: null, sampling: {} };

/** What is used for the answers of a conversation. */
export interface EffectiveSettings {
  /** null: none was chosen, or the chosen one is missing. */
  readonly persona: Persona | null;
  /** The chosen persona, when its file does not exist any more or (`isBroken`) has a fault. */
  readonly missing: PersonaId | null;
  readonly isBroken?: boolean;
  /** True when the operator enforces this persona for everybody. */
  readonly isEnforced: boolean;
  /** Sampling that the conversation has chosen itself. */
  readonly own: Sampling;
  /** The model that the conversation, or else its persona, has chosen; null: any model. */
  readonly model: string | null;
  /** Collections that the conversation has chosen; absent: none. */
  readonly documents?: readonly CollectionId[];
}
