// Checks for values of unknown shape: JSON from the database, a file, a program or a llama-server, and form
// fields. A value that does not fit is left out, so that one damaged value never makes a page fail.

export type JsonObject = Record<string, unknown>;

export const isJsonObject = (value: unknown): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

export const isString = (value: unknown): value is string => typeof value === "string";
export const isFiniteNumber = (value: unknown): value is number => Number.isFinite(value);

/** The value of a JSON text; undefined where the text is not JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** One check for each field of `T`. */
type FieldChecks<T> = {
  readonly [Name in keyof T]-?: (value: unknown) => value is NonNullable<T[Name]> | T[Name];
};

/** The fields of `value` that pass their check. Empty where `value` is not an object. */
export function fieldsOf<T extends object>(value: unknown, checks: FieldChecks<T>): Partial<T> {
  if (!isJsonObject(value)) return {};
  const names = Object.keys(checks) as (keyof T & string)[];
  const fitting = names.filter((name) => Object.hasOwn(value, name) && checks[name](value[name]));
  return Object.fromEntries(fitting.map((name) => [name, value[name]])) as Partial<T>;
}
