// The settings of a conversation in the fields of a form.

import { type Settings, samplingBounds } from "../domain/persona.ts";
import { settingsOf } from "../domain/settings.ts";

/**
 * An empty field is not chosen; a wrong number is left for Chat and Threads to refuse. Where there is a field
 * of collections, those that are not in it are not chosen.
 */
export function settingsIn({
  persona,
  model,
  documents,
  ...fields
}: Readonly<Record<string, unknown>>): Settings {
  const numbers = Object.keys(samplingBounds).map((name) => [name, numberIn(fields[name])]);
  return settingsOf(
    {
      ...{ persona, model, sampling: Object.fromEntries(numbers) },
      ...(documents !== undefined && { documents: [documents].flat() }),
    },
    { invalid: (_name, value) => value as number },
  );
}

/**
 * The number in a field, with a point or a comma; NaN for what is no number, undefined for an empty field.
 */
function numberIn(field: unknown): number | undefined {
  return typeof field === "string" && field.trim() !== "" ? Number(field.replace(",", ".")) : undefined;
}

/** True for settings of which anything was chosen. */
export const isChosen = ({ persona, model, sampling, documents = [] }: Settings): boolean =>
  persona !== null || model !== undefined || documents.length > 0 || Object.keys(sampling).length > 0;
