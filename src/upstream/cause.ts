// Finds out why a llama-server ended: the line of its output that names the cause, and the kind of the cause.
// Pure. The patterns are lines of the real program: llama.cpp 0.5.0, run with models and options that do not
// work.

import type { StartFailure } from "../domain/upstream.ts";

export interface Cause {
  readonly line: string;
  readonly kind: StartFailure;
}

/** A pattern that matches where one of these does, without regard to case. */
const anyOf = (...patterns: readonly RegExp[]): RegExp =>
  new RegExp(patterns.map(({ source }) => source).join("|"), "i");

/** Patterns of lines that name a cause; the first match counts. */
const kinds: readonly (readonly [StartFailure, RegExp])[] = [
  [
    "program",
    anyOf(
      /error while loading shared libraries/,
      /symbol lookup error/,
      /version `\w+_[\d.]+' not found/,
      /exec format error/,
      /illegal instruction/,
      /cannot execute/,
      /can't be started/,
    ),
  ],
  [
    "argument",
    anyOf(
      /invalid argument/,
      /unknown argument/,
      /error while handling argument/,
      /expected value for argument/,
      /error parsing/,
      /argument has been removed/,
    ),
  ],
  ["missing", /no such file or directory|permission denied|failed to open gguf file|is a directory/i],
  [
    "file",
    /invalid magic|bad magic|failed to read magic|not a gguf|unsupported gguf version|bad gguf version/i,
  ],
  [
    "architecture",
    anyOf(
      /unknown (?:model )?architecture/,
      /unknown pre-tokenizer/,
      /unknown tokenizer/,
      /unsupported (?:model|tensor|type)/,
      /invalid ggml type/,
      /unknown rope/,
    ),
  ],
  [
    "memory",
    anyOf(
      /out of memory/,
      /mem_buffer != NULL/,
      /mmap failed/,
      /failed to allocate/,
      /unable to allocate/,
      /cannot allocate/,
      /bad_alloc/,
      /not enough (?:memory|space)/,
      /alloc_buffer.*failed/,
      /failed to fit/,
      /exceeds .*memory/,
    ),
  ],
  [
    "incomplete",
    anyOf(
      /not within the file bounds/,
      /corrupted/,
      /incomplete/,
      /unexpected end/,
      /failed to read (?:key|tensor|the)/,
      /read error/,
      /wrong number of tensors/,
      /missing tensor/,
      /tensor '.*' not found/,
      /key not found/,
    ),
  ],
  ["port", /couldn't bind|address already in use|failed to bind/i],
];

/** Lines that only report that something above them has failed. */
const echoes = anyOf(
  /exiting due to/,
  /failed to load model\b/,
  /common_fit_params/,
  /error trying to fit/,
  /cleaning up/,
  /failed to initialize the context/,
  /unable to load model$/,
);

const isError = (line: string): boolean =>
  /^\d+\.\d+\.\d+\.\d+ E |error|fail|abort|assert|terminate|exception/i.test(line);

/** Causes of signals: the system ran out of memory, or the program is built for another processor. */
const signals: Readonly<Record<string, StartFailure>> = { SIGKILL: "memory", SIGILL: "program" };

/** True when the server had loaded its model before it ended. */
export const hasLoaded = (lines: readonly string[]): boolean =>
  lines.some((line) => /model loaded|server is listening|listening on http/.test(line));

/** The cause, from all lines of one process and its exit code or signal. */
export function causeOf(
  lines: readonly string[],
  { code, signal }: { code: number | null; signal: string | number | null },
): Cause {
  const errors = lines.filter(isError);
  const bySignal = signal === null ? undefined : signals[String(signal)];
  if (!hasLoaded(lines)) {
    for (const line of errors.filter((each) => !echoes.test(each))) {
      const kind = kinds.find(([, pattern]) => pattern.test(line))?.[0];
      if (kind !== undefined) return { line: readable(line), kind };
    }
    const first = errors.find((line) => !echoes.test(line)) ?? errors[0];
    if (first !== undefined) return { line: readable(first), kind: bySignal ?? "other" };
  }
  const ended = signal !== null ? `it was ended by ${signal}` : `it ended with code ${code}`;
  return {
    line: readable(errors.at(-1) ?? (bySignal ? ended : (lines.at(-1) ?? ended))),
    kind: bySignal ?? "other",
  };
}

/**
 * A log line of llama-server without time and level: `0.00.067 I srv  llama_server: model loaded` → `model
 * loaded`.
 */
export function readable(line: string): string {
  return line
    .replace(/^\d+\.\d+\.\d+\.\d+ [A-Z] +(?:\w+ +)?[\w.]+: */, "")
    .replace(/^\/\S*\/(\w+\.\w+:\d+: )/, "$1") // source location on the build machine
    .replace(/^\[\s*\d+(%|\/\d+)\] */, "")
    .slice(0, 160);
}
