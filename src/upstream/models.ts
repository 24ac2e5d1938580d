// What llama-server says of its models and of a model's slots (`/models` of its router mode, `/props`), read with the doubt that foreign
// JSON deserves. Pure. Used by upstream/slots.

import type { ModelState } from "../domain/upstream.ts";

interface Listed {
  id?: unknown;
  status?: { value?: unknown; failed?: unknown; progress?: { value?: unknown } | null } | null;
}

/** The models of a router's list; what is known of their slots and contexts from `before` stays. */
export function modelsOf(list: unknown, before: readonly ModelState[]): ModelState[] {
  const data = (list as { data?: unknown } | null)?.data;
  if (!Array.isArray(data)) return [...before];
  return data.flatMap((each: Listed | null) => {
    if (typeof each?.id !== "string") return [];
    const name = each.id;
    const known = before.find((other) => other.name === name) ?? { slots: 1, contextTokens: null };
    return [{ name, ...statusOf(each), slots: known.slots, contextTokens: known.contextTokens }];
  });
}

function statusOf({ status }: Listed): Pick<ModelState, "status" | "percent"> {
  const value = status?.value;
  if (value === "loaded" || value === "sleeping") return { status: "loaded", percent: null }; // one that sleeps wakes when it is asked
  if (value === "loading" || value === "downloading") {
    const share = status?.progress?.value;
    return { status: "loading", percent: typeof share === "number" ? Math.floor(Math.min(1, Math.max(0, share)) * 100) : null };
  }
  return { status: status?.failed === true ? "failed" : "unloaded", percent: null };
}

/** Concurrent requests, as /props says it; null where it does not. */
export function slotsOf(props: unknown): number | null {
  const slots = (props as { total_slots?: unknown } | null)?.total_slots;
  return Number.isInteger(slots) && (slots as number) > 0 ? (slots as number) : null;
}

/** Context of one slot in tokens, as /props says it; null where it does not. */
export function contextOf(props: unknown): number | null {
  const tokens = (props as { default_generation_settings?: { n_ctx?: unknown } | null } | null)?.default_generation_settings?.n_ctx;
  return Number.isInteger(tokens) && (tokens as number) > 0 ? (tokens as number) : null;
}
