// What commands print on standard output.

import { visible } from "../telemetry/log.ts";

/** Prints a line. Control characters in it are shown as escapes. */
export const say = (line: string): void => void process.stdout.write(`${visible(line, "\t")}\n`);
