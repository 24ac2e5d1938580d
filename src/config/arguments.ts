// Reads options (config/options.ts, config/bounds.ts) from the command line, the environment and the settings
// file, and checks each value. parseConfig decides which of them wins.

import { isIP } from "node:net";
import { isListable, originText } from "../domain/address.ts";
import { withoutSecrets } from "../domain/upstream.ts";
import type { Option } from "./options.ts";

/**
 * A command line, environment or settings file that can't be used. Its message is one line: what is wrong and
 * what is allowed.
 */
export class UsageError extends Error {}

/** A command that failed (exit code 1) or was not understood (2). Its message is one line. */
export class CommandError extends Error {
  readonly code: 1 | 2;

  constructor(message: string, code: 1 | 2) {
    super(message);
    this.code = code;
  }
}

/** The values that were given for each flag; several if the option is repeatable. */
export type Given = Record<string, string[]>;

/** The settings file, with its name for messages. */
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

/**
 * Separates addresses. A password in an address may hold a comma, so a comma separates only before another
 * address or the end.
 */
const betweenAddresses = /,(?=[\s,]*(?:[a-z][a-z\d+.-]*:\/\/|$))/i;

/** The options that the environment sets. @throws UsageError */
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
 * The options that `parlor.toml` sets. A key is a flag's name; its value is a list if the flag is repeatable,
 * true or false for a switch.
 * @throws UsageError
 */
export function fromFile({ name, text }: SettingsFile, all: readonly Option[]): Given {
  let file: Record<string, unknown>;
  try {
    file = Bun.TOML.parse(text) as Record<string, unknown>;
  } catch (error) {
    // the rest quotes the file, and may hold a secret
    const [what] = (error as Error).message.split(/: "/, 1);
    throw new UsageError(`${name} is no TOML: ${what}`);
  }
  const given: Given = {};
  for (const [key, value] of Object.entries(file)) {
    // the file is in the data folder, so it can't name the folder
    const option = all.find(({ flag }) => flag === key && flag !== "data");
    const hint = key === "data" ? "it says where this file is; " : nearest(key, all);
    if (!option)
      throw new UsageError(
        `${name}: ${key} can't be set here; ${hint}allowed is what parlor --help lists, without its dashes`,
      );
    const values = option.repeatable && Array.isArray(value) ? value : [value];
    if (values.some((each) => !["string", "number", "boolean"].includes(typeof each))) {
      throw new UsageError(
        `${name}: ${key} must be one value${option.repeatable ? " or a list of them" : ""}; allowed is ` +
          `${allowed(option)}`,
      );
    }
    given[key] = values.map((each) => checked(option, String(each), `${name}: ${key}`));
  }
  return given;
}

/**
 * Splits a command line into words, such as `user list`, and options, which may be anywhere between them.
 * Everything after `--` is words. An argument with a single dash is a word, which its command interprets.
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

/** The options that the command line sets. @throws UsageError */
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

/**
 * Options of llama-server that `--llama-arg` can't set: parlor sets them itself, or could not reach
 * llama-server with them.
 */
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

/** True for an address, a name or unix:/PATH, without port, scheme or pattern. */
function isHost(value: string): boolean {
  if (value.startsWith("unix:")) return /^unix:\/.*[^/]$/.test(value);
  return (
    isIP(value.replace(/^\[(.*)\]$/, "$1").replace(/%[\w.-]+$/, "")) !== 0 ||
    /^(?!-)[a-z\d-]+(\.[a-z\d-]+)*$/i.test(value)
  );
}

/**
 * True for an http(s) address. Its host must be a single name or address, so that a list in one value is
 * refused.
 */
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
    return (
      "an address (127.0.0.1, ::1, 0.0.0.0), a name of this machine, or unix:/PATH; " + "the port is --port's"
    );
  if (option.isSecret) return `${option.value}: letters, digits and signs of ASCII, without spaces`;
  if (option.flag === "llama-arg") {
    return (
      "one word of llama-server's command line, such as -ngl or 99; --model, --host, --port, its API " +
      "key, its prefix and its TLS are parlor's to set"
    );
  }
  if (option.isUrl) return "an http:// or https:// address";
  if (option.isOrigin)
    return (
      "SCHEME://NAME or SCHEME://NAME:PORT, such as https://example.com or app://obsidian.md, without a " +
      "path or a pattern"
    );
  if (option.isAddress) return "an address (127.0.0.1, fd00::1), a range (172.18.0.0/16), loopback, or unix";
  return option.value === null ? "true or false" : `${option.value}, which can't be empty`;
}

/** `did you mean --port? ` for an argument that resembles a flag; else empty. */
function nearest(arg: string, all: readonly Option[]): string {
  const name = arg.replace(/^-+/, "").replace(/=.*/s, "");
  const near =
    name.length > 1 &&
    (all.find(({ flag }) => flag.startsWith(name)) ?? all.find(({ flag }) => name.startsWith(flag)));
  return near ? `did you mean --${near.flag}? ` : "";
}
