// The data folder and the files in it: the database and the settings file.

import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { type SettingsFile, UsageError } from "./arguments.ts";

/**
 * The folder of everything that parlor stores (XDG Base Directory Specification, 0.8); `data` is the chosen
 * one.
 */
export function dataFolder(data: string | null): string {
  const home = process.env["XDG_DATA_HOME"] || join(process.env["HOME"] || homedir(), ".local/share");
  return data ?? join(home, "parlor");
}

/** The database file. */
export const storeFile = (data: string | null): string => join(dataFolder(data), "parlor.db");

/** The settings file; null if there is none. @throws UsageError if it can't be read */
export function settingsFile(data: string | null): SettingsFile | null {
  const name = join(dataFolder(data), "parlor.toml");
  try {
    return { name, text: readFileSync(name, "utf8") };
  } catch (error) {
    const { code, message } = error as Error & { code?: string };
    if (code === "ENOENT" || code === "ENOTDIR") return null;
    throw new UsageError(`${name} can't be read: ${message}`);
  }
}
