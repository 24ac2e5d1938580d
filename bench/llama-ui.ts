// llama-server's own UI, of the release whose llama-server the tests use: built once into the user's cache from the sources that
// the npm package node-llama-cpp carries. Needs npm, git and some minutes. What it is served by: bench/gate.ts.

import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { root } from "./process.ts";

/** The package and the release in it that test/llama/llama-server pins. */
const launcher = readFileSync(join(root, "test/llama/llama-server"), "utf8");
const packageVersion = /^version=(\S+)/m.exec(launcher)?.[1] as string;
export const uiRelease = /^release=(\S+)/m.exec(launcher)?.[1] as string;

const cache = join(process.env["XDG_CACHE_HOME"] || join(homedir(), ".cache"), "parlor");
const built = join(cache, `llama-ui-${packageVersion}`);

class StepFailed extends Error {}

function run(cwd: string, command: string[], env: Record<string, string> = {}): void {
  const { exitCode, stderr } = Bun.spawnSync(command, {
    cwd,
    env: { ...process.env, ...env },
    stdin: "ignore",
    stdout: "ignore",
    stderr: "pipe",
  });
  if (exitCode === 0) return;
  throw new StepFailed(
    `\`${command.join(" ")}\` ended with ${exitCode}: ${stderr.toString().trim().slice(-500)}`,
  );
}

/** The folder of its files, or why there is none. */
export function llamaUi(): { folder: string } | { reason: string } {
  if (existsSync(join(built, "index.html"))) return { folder: built };
  mkdirSync(cache, { recursive: true });
  const work = mkdtempSync(`${built}.part.`);
  try {
    process.stderr.write(`building llama-server's own UI ${uiRelease}, once, into ${built}\n`);
    run(work, ["npm", "pack", "--silent", `node-llama-cpp@${packageVersion}`]);
    run(work, ["tar", "xzf", `node-llama-cpp-${packageVersion}.tgz`, "package/llama/gitRelease.bundle"]);
    run(work, [
      "git",
      "-c",
      "advice.detachedHead=false",
      "clone",
      "--quiet",
      "package/llama/gitRelease.bundle",
      "llama.cpp",
    ]);
    const ui = join(work, "llama.cpp/tools/ui");
    const install = ["npm", "ci", "--no-audit", "--no-fund"];
    const noBrowsers = { PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD: "1" };
    run(ui, install, noBrowsers);
    run(ui, ["npm", "run", "build"], { LLAMA_UI_OUT_DIR: join(work, "out") });
    renameSync(join(work, "out"), built); // only a finished build gets this name
    return { folder: built };
  } catch (error) {
    if (error instanceof StepFailed) return { reason: error.message };
    throw error;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}
