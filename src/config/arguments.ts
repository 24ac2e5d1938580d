// What was given of the table of src/options.ts and src/bounds.ts on the command line, in the environment and in the file of settings, each value
// checked where it was given. Which of them wins is parseConfig's.

import { isIP } from "node:net";
import { isListable, originText } from "../domain/address.ts";
import { withoutSecrets } from "../domain/upstream.ts";
import type { Option } from "./options.ts";

/** A command line, environment or file of settings that can't be used. Its message is one line: what is wrong and what is allowed. */
export class UsageError extends Error {}

/** A command that could not be done (1) or was not understood (2). Its message is one line. */
export class CommandError extends Error {
  readonly code: 1 | 2;

  constructor(message: string, code: 1 | 2) {
    super(message);
    this.code = code;
  }
}

/** Values by flag; several where the option is repeatable. */
export type Given = Record<string, string[]>;

/** The file of settings, and its name for whoever wrote it. */
export interface SettingsFile {
  readonly name: string;
  readonly text: string;
}

/** The flag of a bound: `stallMs` → `stall-ms`. */
export function kebab(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** The environment name of a bound: `stallMs` → `PARLOR_STALL_MS`. */
export function envOf(name: string): string {
  return `PARLOR_${kebab(name).replaceAll("-", "_").toUpperCase()}`;
}

/** A password in an address may hold a comma: only one that another address, or nothing, follows stands between two. */
const betweenAddresses = /,(?=[\s,]*(?:[a-z][a-z\d+.-]*:\/\/|$))/i;

/** What the environment sets. @throws UsageError */
export function fromEnvironment(
  env: Readonly<Record<string, string | undefined>>,
  all: readonly Option[],
): Given {
  const given: Given = {};
  for (const option of all) {
    const value = option.env ? env[option.env] : undefined;
    if (value === undefined || value === "") continue;
    const values: string[] = option.repeatable
      ? value
          .split(option.flag === "llama-arg" ? /\s+/ : option.isUrl ? betweenAddresses : ",")
          .map((part) => part.trim())
          .filter((part) => part !== "")
      : [value];
    given[option.flag] = values.map((each) => checked(option, each, option.env as string));
  }
  return given;
}

/**
 * What `parlor.toml` sets: the flags' names, each with a value, a list where the flag is repeatable, true or false for a switch.
 * @throws UsageError
 */
export function fromFile({ name, text }: SettingsFile, all: readonly Option[]): Given {
  let file: Record<string, unknown>;
  try {
    file = Bun.TOML.parse(text) as Record<string, unknown>;
  } catch (error) {
    const [what] = (error as Error).message.split(/: "/, 1); // what follows is quoted from the file, and may be a secret
    throw new UsageError(`${name} is no TOML: ${what}`);
  }
  const given: Given = {};
  for (const [key, value] of Object.entries(file)) {
    const option = all.find(({ flag }) => flag === key && flag !== "data"); // the file lies in the data folder: it can't name it
    const hint = key === "data" ? "it says where this file is; " : nearest(key, all);
    if (!option)
      throw new UsageError(
        `${name}: ${key} can't be set here; ${hint}allowed is what parlor --help lists, without its dashes`,
      );
    const values = option.repeatable && Array.isArray(value) ? value : [value];
    if (values.some((each) => !["string", "number", "boolean"].includes(typeof each))) {
      throw new UsageError(
        `${name}: ${key} must be one value${option.repeatable ? " or a list of them" : ""}; allowed is ${allowed(option)}`,
      );
    }
    given[key] = values.map((each) => checked(option, String(each), `${name}: ${key}`));
  }
  return given;
}

/**
 * The words of a command line, as `user list`, and its options, which may stand before, between and behind them; what follows `--` is words. What begins with one
 * dash is left to whoever the words are for.
 */
export function wordsAndFlags(
  args: readonly string[],
  all: readonly Option[],
): { words: string[]; flags: string[] } {
  const [words, flags]: [string[], string[]] = [[], []];
  for (let i = 0; i < args.length; i++) {
    const arg = args[i] as string;
    if (arg === "--") return { words: [...words, ...args.slice(i + 1)], flags };
    const takesNext =
      arg.startsWith("--") && all.some(({ flag, value }) => value !== null && arg === `--${flag}`);
    if (arg.startsWith("--") || arg === "-h") flags.push(...args.slice(i, i + (takesNext ? 2 : 1)));
    else words.push(arg);
    if (takesNext) i++;
  }
  return { words, flags };
}

/** What the command line sets. @throws UsageError */
export function fromFlags(args: readonly string[], all: readonly Option[]): Given {
  const given: Given = {};
  for (let i = 0; i < args.length; i++) {
    const arg = args[i] as string;
    const [, name, inline] = /^--([a-z-]+)(?:=(.*))?$/s.exec(arg) ?? [];
    const option = all.find(({ flag }) => flag === name);
    if (!option)
      throw new UsageError(
        `${arg.replace(/=.*/s, "")} is not an option; ${nearest(arg, all)}parlor --help lists them`,
      );
    if (option.value === null) {
      if (inline !== undefined) throw new UsageError(`--${option.flag} takes no value`);
      given[option.flag] = ["true"];
      continue;
    }
    const value = inline ?? args[++i];
    const isForgotten = inline === undefined && option.flag !== "llama-arg" && value?.startsWith("--");
    if (value === undefined || isForgotten)
      throw new UsageError(`--${option.flag} needs a value: ${allowed(option)}`);
    if (given[option.flag] && !option.repeatable) throw new UsageError(`--${option.flag} is given twice`);
    given[option.flag] = [...(given[option.flag] ?? []), checked(option, value, `--${option.flag}`)];
  }
  return given;
}

/** Options of llama-server's that parlor sets itself, or that would keep it from being reached: `--llama-arg` can't. */
const ownArgs =
  /^(-m|--model|--host|--port|--api-key|--api-key-file|--api-prefix|--ssl-(key|cert)-file)(=|$)/;

function checked(option: Option, value: string, where: string): string {
  const shown = option.isSecret ? "what was given" : `"${withoutSecrets(value)}"`;
  const wrong = new UsageError(`${where} can't be ${shown}; allowed is ${allowed(option)}`);
  if (
    option.range &&
    !(/^\d+$/.test(value) && Number(value) >= option.range[0] && Number(value) <= option.range[1])
  )
    throw wrong;
  if (option.value === null && !["true", "false"].includes(value)) throw wrong;
  if (value.trim() === "" || /\p{Cc}/u.test(value)) throw wrong;
  if (option.oneOf && !option.oneOf.includes(value)) throw wrong;
  if (option.isPath && !isBasePath(value)) throw wrong;
  if (option.isUrl && !isWebAddress(value)) throw wrong;
  if (option.isOrigin && originText(value) === null) throw wrong;
  if (option.isAddress && !isListable(value)) throw wrong;
  if (option.isHost && !isHost(value)) throw wrong;
  if (option.isSecret && !/^[\x21-\x7e]+$/.test(value)) throw wrong;
  if (option.flag === "llama-arg" && (ownArgs.test(value) || /^--?[a-z][\w-]*\s/i.test(value))) throw wrong;
  return value;
}

const isBasePath = (value: string): boolean =>
  value === "/" || (/^(\/[\w.~-]+)+\/?$/.test(value) && !/\/\.{1,2}(\/|$)/.test(value));

/** An address, a name, or a socket's place in the file system: no port, no scheme, no pattern. */
function isHost(value: string): boolean {
  if (value.startsWith("unix:")) return /^unix:\/.*[^/]$/.test(value);
  return (
    isIP(value.replace(/^\[(.*)\]$/, "$1").replace(/%[\w.-]+$/, "")) !== 0 ||
    /^(?!-)[a-z\d-]+(\.[a-z\d-]+)*$/i.test(value)
  );
}

/** Its host is one name or address, so that a list that was written as one value is not taken for it. */
function isWebAddress(value: string): boolean {
  const url = URL.parse(value);
  return (
    url !== null &&
    /^https?:$/.test(url.protocol) &&
    /^[\w.-]+$|^\[.*\]$/.test(url.hostname) &&
    !/[?#]/.test(value)
  );
}

function allowed(option: Option): string {
  if (option.range) return `a whole number from ${option.range[0]} to ${option.range[1]}`;
  if (option.oneOf) return option.oneOf.join(", ");
  if (option.isPath) return "a path such as /chat";
  if (option.isHost)
    return "an address (127.0.0.1, ::1, 0.0.0.0), a name of this machine, or unix:/PATH; the port is --port's";
  if (option.isSecret) return `${option.value}: letters, digits and signs of ASCII, without spaces`;
  if (option.flag === "llama-arg") {
    return "one word of llama-server's command line, such as -ngl or 99; --model, --host, --port, its API key, its prefix and its TLS are parlor's to set";
  }
  if (option.isUrl) return "an http:// or https:// address";
  if (option.isOrigin)
    return "SCHEME://NAME or SCHEME://NAME:PORT, such as https://example.com or app://obsidian.md, without a path or a pattern";
  if (option.isAddress) return "an address (127.0.0.1, fd00::1), a range (172.18.0.0/16), loopback, or unix";
  return option.value === null ? "true or false" : `${option.value}, which can't be empty`;
}

/** `did you mean --port? ` for a flag that is close to one. */
function nearest(arg: string, all: readonly Option[]): string {
  const name = arg.replace(/^-+/, "").replace(/=.*/s, "");
  const near =
    name.length > 1 &&
    (all.find(({ flag }) => flag.startsWith(name)) ?? all.find(({ flag }) => name.startsWith(flag)));
  return near ? `did you mean --${near.flag}? ` : "";
}
