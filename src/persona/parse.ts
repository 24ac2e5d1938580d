// A persona's file becomes a Persona: YAML front matter between two lines of `---`, then the system prompt. What is wrong
// in it is said with the key and what is allowed. Pure; persona/folder reads the files.

import type { PersonaId } from "../domain/id.ts";
import { type Overflow, type Persona, type Sampling, samplingBounds } from "../domain/persona.ts";
import { samplingOf } from "../domain/settings.ts";

/** A file that is no persona; its message is one line for whoever wrote it. */
export class PersonaFault extends Error {}

interface ParsedPersona {
  readonly persona: Persona;
  /** The file beside it that belongs to its prompt. */
  readonly list: string | null;
}

const keys = [
  "name",
  "description",
  "model",
  "temperature",
  "top_p",
  "max_tokens",
  "language",
  "greeting",
  "starters",
  "overflow",
  "list",
] as const;
type Front = Partial<Record<(typeof keys)[number], unknown>>;

const frontMark = "---";

/** Where in the body the list stands; behind it when this is nowhere. */
const listPlace = "{{list}}";

/**
 * Reads the text of a persona's file.
 * @throws PersonaFault
 */
export function parsePersona(id: PersonaId, text: string): ParsedPersona {
  const lines = text
    .replace(/^\ufeff/, "")
    .replaceAll("\r\n", "\n")
    .split("\n");
  const end = lines.findIndex((line, i) => i > 0 && line.trimEnd() === frontMark);
  if (lines[0]?.trimEnd() !== frontMark || end < 0)
    throw new PersonaFault("it must begin with its settings between two lines of ---");
  const given = readFront(lines.slice(1, end).join("\n"));
  const list = words(given, "list");
  if (list !== "" && (list.startsWith(".") || /[/\\]/.test(list)))
    throw new PersonaFault("list must be the name of a file in the same folder");
  const language = words(given, "language");
  return {
    persona: {
      id,
      name: words(given, "name") || id,
      description: words(given, "description"),
      prompt: [
        lines
          .slice(end + 1)
          .join("\n")
          .trim(),
        languageLine(language),
      ]
        .filter(Boolean)
        .join("\n\n"),
      sampling: samplingIn(given),
      model: words(given, "model") || null,
      language: language || null,
      greeting: words(given, "greeting"),
      starters: startersOf(given),
      overflow: overflowOf(given),
    },
    list: list || null,
  };
}

/** The persona with its list in the prompt. */
export function withList(persona: Persona, list: string): Persona {
  const { prompt } = persona;
  return {
    ...persona,
    prompt: prompt.includes(listPlace)
      ? prompt.replace(listPlace, () => list.trim())
      : `${prompt}\n\n${list.trim()}`,
  };
}

function readFront(front: string): Front {
  let given: unknown;
  try {
    given = Bun.YAML.parse(front) ?? {};
  } catch (error) {
    throw new PersonaFault(`its settings are no YAML: ${(error as Error).message}`);
  }
  if (typeof given !== "object" || Array.isArray(given))
    throw new PersonaFault("its settings must be lines of `key: value`");
  const unknown = Object.keys(given as Front).find((key) => !(keys as readonly string[]).includes(key));
  if (unknown !== undefined) throw new PersonaFault(`${unknown} is no setting; there are ${keys.join(", ")}`);
  return given as Front;
}

function words(given: Front, key: keyof Front): string {
  const value = given[key] ?? "";
  if (typeof value !== "string") throw new PersonaFault(`${key} must be words; put them in quotes`);
  return value.trim();
}

function samplingIn({ temperature, top_p, max_tokens }: Front): Sampling {
  const named = { temperature: "temperature", topP: "top_p", maxTokens: "max_tokens" } as const;
  return samplingOf({ temperature, topP: top_p, maxTokens: max_tokens }, (name) => {
    const [least, most] = samplingBounds[name];
    throw new PersonaFault(`${named[name]} must be a number from ${least} to ${most}`);
  });
}

function startersOf(given: Front): readonly string[] {
  const value = given.starters ?? [];
  if (!Array.isArray(value) || value.some((each) => typeof each !== "string" || each.trim() === "")) {
    throw new PersonaFault(
      "starters must be a list of questions, each on a line that begins with - (one with a colon in quotes)",
    );
  }
  return value;
}

function overflowOf(given: Front): Overflow {
  const value = words(given, "overflow") || "drop";
  if (value !== "drop" && value !== "refuse") throw new PersonaFault("overflow must be drop or refuse");
  return value;
}

/** Said by us at the end of the prompt, so that a persona needs no more than the language's code. */
function languageLine(language: string): string {
  if (language === "") return "";
  try {
    const name = new Intl.DisplayNames("en", { type: "language" }).of(language);
    return `Always answer in ${name}, whatever language the question is in.`;
  } catch {
    throw new PersonaFault("language must be a code such as de or pt-BR");
  }
}
