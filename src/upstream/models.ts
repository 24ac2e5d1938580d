// What llama-server says of its models and of a model's slots (`/models` of its router mode, `/props`), read
// with the doubt that foreign JSON deserves.

import type { ModelState, UpstreamState } from "../domain/upstream.ts";

/** What a llama-server says of what it can do. */
export type ServerFacts = Pick<UpstreamState, "slots" | "contextTokens" | "model" | "models">;

interface Listed {
  id?: unknown;
  status?: { value?: unknown; failed?: unknown } | null;
}

/** A router asks its child for this model, and loads none for it. */
export const childOf = (model: string): string => `model=${encodeURIComponent(model)}&autoload=false`;

/**
 * Of a router: what it can load, and what each that is loaded says of itself. It has as many Slots as its loaded models, and one at least. `ask` gives
 * what stands at a path, null where nothing does; `before` is what was known.
 */
export async function routed(
  ask: (path: string) => Promise<unknown>,
  before: readonly ModelState[],
): Promise<ServerFacts> {
  const models = await Promise.all(
    modelsOf(await ask("/models"), before).map(async (each) => {
      if (each.status !== "loaded") return each;
      const props = await ask(`/props?${childOf(each.name)}`);
      return {
        ...each,
        slots: slotsOf(props) ?? each.slots,
        contextTokens: contextOf(props) ?? each.contextTokens,
      };
    }),
  );
  const loaded = models.filter(({ status }) => status === "loaded");
  const contexts = loaded.flatMap(({ contextTokens }) => contextTokens ?? []);
  const slots = loaded.reduce((sum, each) => sum + each.slots, 0);
  const model = models.length === 1 ? (models[0]?.name ?? null) : null;
  return {
    slots: Math.max(1, slots),
    contextTokens: contexts.length > 0 ? Math.min(...contexts) : null,
    model,
    models,
  };
}

/** The models of a router's list; what is known of their slots and contexts from `before` stays. */
function modelsOf(list: unknown, before: readonly ModelState[]): ModelState[] {
  const data = (list as { data?: unknown } | null)?.data;
  if (!Array.isArray(data)) return [...before];
  return data.flatMap((each: Listed | null) => {
    if (typeof each?.id !== "string") return [];
    const name = each.id;
    const known = before.find((other) => other.name === name) ?? {
      slots: 1,
      contextTokens: null,
      percent: null,
    };
    const status = statusOf(each);
    // the list does not say how far a model has come; its events do (upstream/model-events)
    return [
      {
        name,
        status,
        percent: status === "loading" ? known.percent : null,
        slots: known.slots,
        contextTokens: known.contextTokens,
      },
    ];
  });
}

function statusOf({ status }: Listed): ModelState["status"] {
  const value = status?.value;
  if (value === "loaded" || value === "sleeping") return "loaded"; // one that sleeps wakes when it is asked
  if (value === "loading" || value === "downloading") return "loading";
  return status?.failed === true ? "failed" : "unloaded";
}

/** Concurrent requests, as /props says it; null where it does not. */
export function slotsOf(props: unknown): number | null {
  const slots = (props as { total_slots?: unknown } | null)?.total_slots;
  return Number.isInteger(slots) && (slots as number) > 0 ? (slots as number) : null;
}

/** Context of one slot in tokens, as /props says it; null where it does not. */
export function contextOf(props: unknown): number | null {
  const tokens = (props as { default_generation_settings?: { n_ctx?: unknown } | null } | null)
    ?.default_generation_settings?.n_ctx;
  return Number.isInteger(tokens) && (tokens as number) > 0 ? (tokens as number) : null;
}
