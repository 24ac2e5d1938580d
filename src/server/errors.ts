// What happens to every thrown value that reaches an edge of the program (HTTP, a socket, a timer): bugs are
// logged with their stack, expected errors with their code; refusals are counted.

import { asFailure, Failure, type Refuse } from "../domain/failure.ts";
import type { Log } from "../telemetry/log.ts";
import type { Metrics } from "../telemetry/metrics.ts";

export interface Errors {
  /** Logs an error that nobody is answered for, such as one in a timer. A Failure is no bug, but worth a warning. */
  bug(error: unknown): void;
  readonly refuse: Refuse;
}

export function errorHandlers(log: Log, metrics: Metrics): Errors {
  const bug = (error: unknown, facts: Readonly<Record<string, string>> = {}) => {
    const stack = error instanceof Error ? error.stack : undefined;
    // such as a database that is away while a timer needs it
    if (error instanceof Failure)
      log.warn("could not be done", { ...facts, code: error.code, ...error.facts });
    else log.error("a bug", { ...facts, error: String(error), stack });
  };
  return {
    bug,
    refuse(error, facts) {
      const failure = asFailure(error);
      if (failure.code === "internal") bug(error, facts);
      metrics.refused(failure.code);
      return failure;
    },
  };
}
