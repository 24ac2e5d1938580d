// Parses a persona's file: YAML front matter between two lines of `---`, then the system prompt. An error
// names the key and the allowed values. Pure: the files are read in persona/folder.

import { groundings, isGrounding } from "../domain/grounding-mode.ts";
import type { PersonaId } from "../domain/id.ts";
import { type Overflow, type Persona, type Sampling, samplingBounds } from "../domain/persona.ts";
import { samplingOf } from "../domain/settings.ts";

/** A file that is not a valid persona. The message is one line for the author of the file. */
export class PersonaFault extends Error {}

interface ParsedPersona {
  readonly persona: Persona;
  /** Name of a file in the same folder that is inserted into the prompt; null for none. */
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
  "documents",
  "grounding",
] as const;
type Front = Partial<Record<(typeof keys)[number], unknown>>;

const frontMark = "---";

/** Replaced by the list; without it in the body, the list goes to the end. */
const listPlace = "{{list}}";

/**
 * Parses the text of a persona's file.
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
  const front = parseFront(lines.slice(1, end).join("\n"));
  const list = words(front, "list");
  if (list !== "" && (list.startsWith(".") || /[/\\]/.test(list)))
    throw new PersonaFault("list must be the name of a file in the same folder");
  const language = words(front, "language");
  return {
    persona: {
      id,
      name: words(front, "name") || id,
      description: words(front, "description"),
      prompt: [
        lines
          .slice(end + 1)
          .join("\n")
          .trim(),
        languageLine(language),
      ]
        .filter(Boolean)
        .join("\n\n"),
      sampling: samplingIn(front),
      model: words(front, "model") || null,
      language: language || null,
      greeting: words(front, "greeting"),
      starters: startersOf(front),
      overflow: overflowOf(front),
      ...documentsOf(front),
      ...groundingOf(front),
    },
    list: list || null,
  };
}

/** The persona with its list inserted into the prompt. */
export function withList(persona: Persona, list: string): Persona {
  const { prompt } = persona;
  return {
    ...persona,
    prompt: prompt.includes(listPlace)
      ? prompt.replace(listPlace, () => list.trim())
      : `${prompt}\n\n${list.trim()}`,
  };
}

function parseFront(yaml: string): Front {
  let front: unknown;
  try {
    front = Bun.YAML.parse(yaml) ?? {};
  } catch (error) {
    throw new PersonaFault(`its settings are no YAML: ${(error as Error).message}`);
  }
  if (typeof front !== "object" || Array.isArray(front))
    throw new PersonaFault("its settings must be lines of `key: value`");
  const unknown = Object.keys(front as Front).find((key) => !(keys as readonly string[]).includes(key));
  if (unknown !== undefined) throw new PersonaFault(`${unknown} is no setting; there are ${keys.join(", ")}`);
  return front as Front;
}

function words(front: Front, key: keyof Front): string {
  const value = front[key] ?? "";
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

function startersOf(front: Front): readonly string[] {
  const value = front.starters ?? [];
  if (!Array.isArray(value) || value.some((each) => typeof each !== "string" || each.trim() === "")) {
    throw new PersonaFault(
      "starters must be a list of questions, each on a line that begins with - (one with a colon in quotes)",
    );
  }
  return value;
}

function documentsOf(front: Front): Pick<Persona, "documents"> {
  const value = front.documents ?? [];
  if (!Array.isArray(value) || value.some((each) => typeof each !== "string" || each.trim() === ""))
    throw new PersonaFault("documents must be a list of names of collections, such as [handbook]");
  return value.length === 0 ? {} : { documents: value.map((name: string) => name.trim()) };
}

function groundingOf(front: Front): Pick<Persona, "grounding"> {
  const value = words(front, "grounding");
  if (value === "") return {};
  if (!isGrounding(value)) throw new PersonaFault(`grounding must be one of ${groundings.join(", ")}`);
  return { grounding: value };
}

function overflowOf(front: Front): Overflow {
  const value = words(front, "overflow") || "drop";
  if (value !== "drop" && value !== "refuse") throw new PersonaFault("overflow must be drop or refuse");
  return value;
}

/** The last line of the prompt, so that a persona's file only has to give a language code. */
function languageLine(language: string): string {
  if (language === "") return "";
  try {
    const name = new Intl.DisplayNames("en", { type: "language" }).of(language);
    return `Always answer in ${name}, whatever language the question is in.`;
  } catch {
    throw new PersonaFault("language must be a code such as de or pt-BR");
  }
}
