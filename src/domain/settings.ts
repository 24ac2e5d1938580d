// The one reader of a conversation's settings from loose input: forms, imported files, personas, the
// database.

import { isId } from "./id.ts";
import { isFiniteNumber, isJsonObject, isString } from "./json.ts";
import { isWithin, type Sampling, type Settings, samplingBounds } from "./persona.ts";

/** Decides about a value that is no number within its bounds: throws, or returns the value to keep. */
type InvalidSampling = (name: keyof Sampling, value: unknown) => number | undefined;

const leaveOut: InvalidSampling = () => undefined;

/** The sampling numbers in `value`. undefined and null are not chosen; `invalid` decides about the rest. */
export function samplingOf(value: unknown, invalid: InvalidSampling = leaveOut): Sampling {
  if (!isJsonObject(value)) return {};
  const names = Object.keys(samplingBounds) as (keyof Sampling)[];
  const chosen = names.flatMap((name) => {
    const given = value[name] ?? undefined;
    if (given === undefined) return [];
    const number = isFiniteNumber(given) && isWithin(name, given) ? given : invalid(name, given);
    return number === undefined ? [] : [[name, number] as const];
  });
  return Object.fromEntries(chosen) as Sampling;
}

interface SettingsRules {
  /** Longer names of personas and models are not chosen. In UTF-16 units. */
  readonly nameMaxChars?: number;
  readonly invalid?: InvalidSampling;
}

/**
 * The settings in `value`: `persona` and `model` by name, `sampling` as `samplingOf` reads it, `documents` as a
 * list of ids.
 */
export function settingsOf(
  value: unknown,
  { nameMaxChars = Number.POSITIVE_INFINITY, invalid }: SettingsRules = {},
): Settings {
  const { persona, model, sampling, documents } = isJsonObject(value) ? value : {};
  const isName = (name: unknown): name is string =>
    isString(name) && name !== "" && name.length <= nameMaxChars;
  return {
    persona: isName(persona) ? persona : null,
    sampling: samplingOf(sampling, invalid),
    ...(isName(model) && { model }),
    ...(Array.isArray(documents) && { documents: [...new Set(documents.filter(isId))] }),
  };
}
