// One JSON object per line on standard error, or a readable line on a terminal. Never the text of messages:
// callers give facts (ids, counts, durations). Passed in, so that tests can listen.

export type LogLevel = "debug" | "info" | "warn" | "error";
export type LogFacts = Readonly<Record<string, string | number | boolean | null | undefined>>;

export interface Log {
  debug(what: string, facts?: LogFacts): void;
  info(what: string, facts?: LogFacts): void;
  warn(what: string, facts?: LogFacts): void;
  error(what: string, facts?: LogFacts): void;
}

export const logLevels: readonly LogLevel[] = ["debug", "info", "warn", "error"];

/** A Log that writes lines at or above `level` with `write`. */
export function openLog(options: { level: LogLevel; format: "json" | "pretty"; write: (line: string) => void }): Log {
  const least = logLevels.indexOf(options.level);
  const line = (level: LogLevel, what: string, facts: LogFacts) => {
    if (logLevels.indexOf(level) < least) return;
    const time = new Date().toISOString();
    options.write(options.format === "json" ? JSON.stringify({ time, level, what, ...facts }) : pretty(time, level, what, facts));
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
