// Reads llama-server's models (`/models` in router mode) and a model's slots and context (`/props`). The type
// of every field is checked.

import type { ModelState, SpecialModel, UpstreamState } from "../domain/upstream.ts";

/** The capacity and the models of a llama-server. */
export type ServerFacts = Pick<
  UpstreamState,
  "slots" | "contextTokens" | "vision" | "hearing" | "model" | "models" | "special"
>;

interface Listed {
  id?: unknown;
  status?: { value?: unknown; failed?: unknown; args?: unknown } | null;
  architecture?: { input_modalities?: unknown } | null;
}

/** Query with which a router answers from its child process for a model, without loading the model. */
export const childOf = (model: string): string => `model=${encodeURIComponent(model)}&autoload=false`;

/**
 * The facts of a router: its models, with the properties of the loaded ones. It has as many slots as its
 * loaded models together, at least one.
 * @param get the JSON at a path, or null
 * @param before the models as they were known
 */
export async function routed(
  get: (path: string) => Promise<unknown>,
  before: readonly ModelState[],
): Promise<ServerFacts> {
  const list = await get("/models");
  const special = specialModels(list);
  const models = await Promise.all(
    modelsOf(list, before, special).map(async (each) => {
      if (each.status !== "loaded") return each;
      const props = await get(`/props?${childOf(each.name)}`);
      return {
        ...each,
        slots: slotsOf(props) ?? each.slots,
        contextTokens: contextOf(props) ?? each.contextTokens,
        vision: modalityOf(props, "vision") ?? each.vision,
        hearing: modalityOf(props, "audio") ?? each.hearing,
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
    vision: models.length === 1 ? (models[0]?.vision ?? null) : null,
    hearing: models.length === 1 ? (models[0]?.hearing ?? null) : null,
    model,
    models,
    ...(special.length > 0 && { special }),
  };
}

/** The models of a router's list that chat, with the slots and contexts that `before` knows. */
function modelsOf(
  list: unknown,
  before: readonly ModelState[],
  special: readonly SpecialModel[],
): ModelState[] {
  const data = (list as { data?: unknown } | null)?.data;
  if (!Array.isArray(data)) return [...before];
  return data.flatMap((each: Listed | null) => {
    if (typeof each?.id !== "string") return [];
    const name = each.id;
    if (special.some((other) => other.name === name)) return [];
    const known = before.find((other) => other.name === name) ?? {
      slots: 1,
      contextTokens: null,
      vision: null,
      hearing: null,
      percent: null,
    };
    const status = statusOf(each);
    // the list has no loading progress; events report it (upstream/model-events)
    return [
      {
        name,
        status,
        percent: status === "loading" ? known.percent : null,
        slots: known.slots,
        contextTokens: known.contextTokens,
        vision: listed(each, "image") ?? known.vision,
        hearing: listed(each, "audio") ?? known.hearing,
      },
    ];
  });
}

/**
 * Models that were set up to embed or to rerank. Only the arguments of their processes tell: a router says of
 * every model that it completes.
 */
export function specialModels(list: unknown): SpecialModel[] {
  const data = (list as { data?: unknown } | null)?.data;
  if (!Array.isArray(data)) return [];
  return data.flatMap((each: Listed | null): SpecialModel[] => {
    const args = each?.status?.args;
    if (typeof each?.id !== "string" || !Array.isArray(args)) return [];
    const has = (...flags: string[]) => flags.some((flag) => args.includes(flag));
    if (has("--reranking", "--rerank")) return [{ name: each.id, purpose: "rerank" }];
    return has("--embeddings", "--embedding") ? [{ name: each.id, purpose: "embed" }] : [];
  });
}

function listed({ architecture }: Listed, modality: "image" | "audio"): boolean | null {
  const modalities = architecture?.input_modalities;
  return Array.isArray(modalities) ? modalities.includes(modality) : null;
}

function statusOf({ status }: Listed): ModelState["status"] {
  const value = status?.value;
  if (value === "loaded" || value === "sleeping") return "loaded"; // a sleeping model wakes on a request
  if (value === "loading" || value === "downloading") return "loading";
  return status?.failed === true ? "failed" : "unloaded";
}

/** Number of slots in an answer of /props; null if it is missing. */
export function slotsOf(props: unknown): number | null {
  const slots = (props as { total_slots?: unknown } | null)?.total_slots;
  return Number.isInteger(slots) && (slots as number) > 0 ? (slots as number) : null;
}

/** Whether the model sees pictures, in an answer of /props; null if it is missing. */
export function modalityOf(props: unknown, modality: "vision" | "audio"): boolean | null {
  const { modalities } = (props ?? {}) as { modalities?: Readonly<Record<string, unknown>> | null };
  const value = modalities?.[modality];
  return typeof value === "boolean" ? value : null;
}

/** Context of one slot, in tokens, in an answer of /props; null if it is missing. */
export function contextOf(props: unknown): number | null {
  const tokens = (props as { default_generation_settings?: { n_ctx?: unknown } | null } | null)
    ?.default_generation_settings?.n_ctx;
  return Number.isInteger(tokens) && (tokens as number) > 0 ? (tokens as number) : null;
}
