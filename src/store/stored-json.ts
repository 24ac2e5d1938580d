// JSON columns as values. A text that does not fit (a damaged file, a newer or older parlor) gives the empty
// value of its kind instead of an error, so that one row never makes a whole page fail.

import {
  isLimit,
  type KeyScope,
  keyScopes,
  type LimitName,
  type Limits,
  limitBounds,
} from "../domain/account.ts";
import { type FailureReport, isFailureCode } from "../domain/failure.ts";
import { isId } from "../domain/id.ts";
import { fieldsOf, isFiniteNumber, isJsonObject, isString, parseJson } from "../domain/json.ts";
import { type Parts, partsOf } from "../domain/part.ts";
import type { Sampling } from "../domain/persona.ts";
import type { RunStats } from "../domain/run.ts";
import { samplingOf } from "../domain/settings.ts";

/** Sampling numbers within their bounds. */
export const samplingIn = (column: string): Sampling => samplingOf(parseJson(column));

/** The ids in a list. */
export function idsIn(column: string): string[] {
  const value = parseJson(column);
  return Array.isArray(value) ? value.filter(isId) : [];
}

export const partsIn = (column: string): Parts => partsOf(parseJson(column));

export function statsIn(column: string): RunStats {
  return fieldsOf<RunStats>(parseJson(column), {
    promptTokens: isFiniteNumber,
    cachedTokens: isFiniteNumber,
    outputTokens: isFiniteNumber,
    tokensPerSecond: isFiniteNumber,
    firstTokenMs: isFiniteNumber,
    queueMs: isFiniteNumber,
    thinkingMs: isFiniteNumber,
    model: isString,
    contextTokens: isFiniteNumber,
    roomTokens: isFiniteNumber,
    droppedMessages: isFiniteNumber,
    nothingFound: (value): value is true => value === true,
    bySense: (value): value is Record<string, number> =>
      isJsonObject(value) && Object.values(value).every(isFiniteNumber),
  });
}

/** `internal` for a code that is unknown: the Run failed, though the reason can't be read. */
export function failureIn(column: string): FailureReport {
  const value = parseJson(column);
  const { code, facts } = isJsonObject(value) ? value : {};
  if (!isFailureCode(code)) return { code: "internal", facts: {} };
  const known = Object.entries(isJsonObject(facts) ? facts : {});
  const fitting = known.filter((fact): fact is [string, string | number] =>
    [isString, isFiniteNumber].some((fits) => fits(fact[1])),
  );
  return { code, facts: Object.fromEntries(fitting) };
}

/**
 * Null lifts a limit, but not the weight. A number out of its bounds is kept, except for the weight: leaving
 * it out could lift the limit.
 */
export function limitsIn(column: string): Partial<Limits> {
  const value = parseJson(column);
  const names = Object.keys(limitBounds) as LimitName[];
  const fitting = names.flatMap((name) => {
    const limit = isJsonObject(value) ? value[name] : undefined;
    const isNumber = isFiniteNumber(limit) && (name === "weight" ? isLimit(name, limit) : limit >= 0);
    const fits = isNumber || (limit === null && name !== "weight");
    return fits ? [[name, limit] as const] : [];
  });
  return Object.fromEntries(fitting) as Partial<Limits>;
}

export function scopesIn(column: string): KeyScope[] {
  const value = parseJson(column);
  return Array.isArray(value) ? keyScopes.filter((scope) => value.includes(scope)) : [];
}
