// One JSON object per line on standard error, or a readable line on a terminal. Never the text of messages:
// callers give facts (ids, counts, durations). Passed in, so that tests can listen.

export type LogLevel = "debug" | "info" | "warn" | "error";
type LogFacts = Readonly<Record<string, string | number | boolean | null | undefined>>;

export interface Log {
  debug(what: string, facts?: LogFacts): void;
  info(what: string, facts?: LogFacts): void;
  warn(what: string, facts?: LogFacts): void;
  error(what: string, facts?: LogFacts): void;
}

export const logLevels: readonly LogLevel[] = ["debug", "info", "warn", "error"];

/** Control characters (C0, DEL, C1), line ends of Unicode's own, and those that turn the direction of text round (Unicode, UAX #9). */
const unseen = /[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]|\p{Surrogate}/gu;

/**
 * Text of somebody else's as it can be written to a terminal: what would steer it, or show something else than is there, stands as an escape. `kept` are
 * characters that stay.
 */
export function visible(text: string, kept = ""): string {
  return text.replace(unseen, (sign) =>
    kept.includes(sign) ? sign : `\\u${sign.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** What may wait for a reader of the log that does not read; what is logged beyond that is lost, and counted. */
const backlogMaxBytes = 1 << 20;

/**
 * Writes lines to a stream whose reader may be gone (EPIPE) or slow, or whose disk may be full (ENOSPC): none of that ends or holds up the process, and what
 * comes after is written once it can be. `false` says that a line is lost.
 */
export function steadyWriter(stream: NodeJS.WritableStream): (line: string) => boolean {
  let waitingBytes = 0;
  stream.on("error", () => {}); // each write is told of its own, too
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

/** A Log that writes lines at or above `level` with `write`, which may say `false` of a line that is lost. */
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
    if (lost > 0 && put("warn", "lines of this log are lost, since nobody read it", { lines: lost }))
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
  return `${time.slice(11, 19)} ${level.padEnd(5)} ${what}${shown.map(([key, value]) => `  ${key}=${typeof value === "string" && /[\s"=]/.test(value) ? JSON.stringify(value) : value}`).join("")}`;
}
