// The settings of a conversation in the fields of a form.

import { type Settings, samplingBounds } from "../domain/persona.ts";
import { settingsOf } from "../domain/settings.ts";

/** An empty field is not chosen; a wrong number is left for Chat and Threads to refuse. */
export function settingsIn({ persona, model, ...fields }: Readonly<Record<string, unknown>>): Settings {
  const numbers = Object.keys(samplingBounds).map((name) => [name, numberIn(fields[name])]);
  return settingsOf(
    { persona, model, sampling: Object.fromEntries(numbers) },
    { invalid: (_name, value) => value as number },
  );
}

/**
 * The number in a field, with a point or a comma; NaN for what is no number, undefined for an empty field.
 */
function numberIn(field: unknown): number | undefined {
  return typeof field === "string" && field.trim() !== "" ? Number(field.replace(",", ".")) : undefined;
}
