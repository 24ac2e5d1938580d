// The log: one JSON object per line, or a readable line on a terminal. Callers log facts (ids, counts,
// durations), never the text of messages. A Log is passed in, so that tests can read it.

export type LogLevel = "debug" | "info" | "warn" | "error";
type LogFacts = Readonly<Record<string, string | number | boolean | null | undefined>>;

export interface Log {
  debug(what: string, facts?: LogFacts): void;
  info(what: string, facts?: LogFacts): void;
  warn(what: string, facts?: LogFacts): void;
  error(what: string, facts?: LogFacts): void;
}

export const logLevels: readonly LogLevel[] = ["debug", "info", "warn", "error"];

/**
 * Control characters (C0, DEL, C1), Unicode line separators, and marks that change text direction (UAX #9).
 */
const invisible = /[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]|\p{Surrogate}/gu;

/**
 * Makes untrusted text safe for a terminal: characters that would control the terminal, or hide or reorder
 * text, become `\u` escapes of four hex digits. The characters in `kept` stay.
 */
export function visible(text: string, kept = ""): string {
  return text.replace(invisible, (sign) =>
    kept.includes(sign) ? sign : `\\u${sign.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** Most bytes that wait for a slow reader of the log; lines beyond that are lost, and counted. */
const backlogMaxBytes = 1 << 20;

/**
 * Returns a function that writes a line to a stream. A reader that is gone (EPIPE) or slow, or a full disk
 * (ENOSPC), neither ends nor delays the process; later lines are written once that is possible again. The
 * function returns false if the line is lost.
 */
export function steadyWriter(stream: NodeJS.WritableStream): (line: string) => boolean {
  let waitingBytes = 0;
  stream.on("error", () => {}); // each write also reports its own error
  return (line) => {
    if (waitingBytes > backlogMaxBytes) return false;
    const bytes = Buffer.byteLength(line) + 1;
    waitingBytes += bytes;
    stream.write(`${line}\n`, () => {
      waitingBytes -= bytes;
    });
    return true;
  };
}

/**
 * A Log that writes lines at or above `level` with `write`, which may return false for a line that is lost.
 */
export function openLog(options: {
  level: LogLevel;
  format: "json" | "pretty";
  write: (line: string) => unknown;
}): Log {
  const least = logLevels.indexOf(options.level);
  let lost = 0;
  const put = (level: LogLevel, what: string, facts: LogFacts): boolean => {
    const time = new Date().toISOString();
    return (
      options.write(
        visible(
          options.format === "json"
            ? JSON.stringify({ time, level, what, ...facts })
            : pretty(time, level, what, facts),
        ),
      ) !== false
    );
  };
  const line = (level: LogLevel, what: string, facts: LogFacts) => {
    if (logLevels.indexOf(level) < least) return;
    if (
      lost > 0 &&
      put("warn", "lines of this log were lost because its reader was too slow", { lines: lost })
    )
      lost = 0;
    if (!put(level, what, facts)) lost++;
  };
  return {
    debug: (what, facts = {}) => line("debug", what, facts),
    info: (what, facts = {}) => line("info", what, facts),
    warn: (what, facts = {}) => line("warn", what, facts),
    error: (what, facts = {}) => line("error", what, facts),
  };
}

function pretty(time: string, level: LogLevel, what: string, facts: LogFacts): string {
  const shown = Object.entries(facts).filter(([, value]) => value !== undefined);
  const text = (value: unknown) =>
    typeof value === "string" && /[\s"=]/.test(value) ? JSON.stringify(value) : value;
  const list = shown.map(([key, value]) => `  ${key}=${text(value)}`).join("");
  return `${time.slice(11, 19)} ${level.padEnd(5)} ${what}${list}`;
}
