// How the answers of a persona are checked against their sources.

/**
 * `cite`: sentences that were not found are marked. `strict`: strongly, and the line below the answer says what
 * that means. `off`: nothing is checked.
 */
export type Grounding = "strict" | "cite" | "off";

export const groundings: readonly Grounding[] = ["strict", "cite", "off"];

export const isGrounding = (value: unknown): value is Grounding =>
  groundings.some((grounding) => grounding === value);
