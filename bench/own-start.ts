// Programs from their start to the first page over HTTP: parlor in a new folder, in one that has been used, and what of it is
// Bun's own: a server of one line, compiled in the same way. Called by bench/start.ts.

import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { folderWithLongConversation } from "./opening.ts";
import { executable } from "./parlor.ts";

export interface Start {
  /** From the call that starts the program to its line that says where it listens. */
  readonly lineMs: number;
  /** … to the whole of the first page. */
  readonly pageMs: number;
}

/** The flags that the Makefile compiles parlor with. */
const compile = [
  "--compile",
  "--minify",
  "--bytecode",
  "--format=esm",
  "--sourcemap",
  "--no-compile-autoload-dotenv",
  "--no-compile-autoload-bunfig",
];

/** Bun's own part: compiled once per run of the benchmark. */
async function compileBare(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "parlor-bench-"));
  const source = join(folder, "bare.ts");
  const program = join(folder, "bare");
  const serve = `Bun.serve({ hostname: "127.0.0.1", port: 0, development: false, fetch: () => new Response("ok") })`;
  await Bun.write(
    source,
    `const server = ${serve};\nprocess.stdout.write(\`bare listening on http://127.0.0.1:\${server.port}\\n\`);\nexport {};\n`,
  );
  const build = [process.execPath, "build", ...compile, source, "--outfile", program];
  const { exitCode, stderr } = Bun.spawnSync(build, { cwd: folder, stdout: "ignore", stderr: "pipe" });
  if (exitCode !== 0) throw new Error(`bun build: ${stderr.toString()}`);
  return program;
}

async function startOnce(command: string[], env: Record<string, string>): Promise<Start> {
  const from = performance.now();
  const child = Bun.spawn(command, {
    env: { PATH: "/usr/bin:/bin", HOME: "/nonexistent", ...env },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "ignore",
  });
  try {
    let said = "";
    for await (const chunk of child.stdout as ReadableStream<Uint8Array>) {
      said += new TextDecoder().decode(chunk);
      if (said.includes("\n")) break;
    }
    const lineMs = performance.now() - from;
    const url = /http:\/\/\S+/.exec(said)?.[0];
    if (!url) throw new Error(`${command[0]} did not start: ${said}`);
    const response = await fetch(`${url}/`);
    await response.text();
    if (response.status !== 200) throw new Error(`${command[0]} gave ${response.status}`);
    return { lineMs, pageMs: performance.now() - from };
  } finally {
    child.kill("SIGKILL");
    await child.exited;
  }
}

export const startNames = {
  bare: "Bun alone",
  fresh: "parlor, new folder",
  used: "parlor, used folder",
} as const;

/** Each in turn, `times` times. */
export async function measureStarts(llamaUrl: string, times: number): Promise<Record<string, Start[]>> {
  const bare = await compileBare();
  const used = await folderWithLongConversation();
  const parlor = [executable, "--port", "0", "--llama", llamaUrl, "--log-level", "error"];
  const ways: Record<string, () => Promise<Start>> = {
    [startNames.bare]: () => startOnce([bare], {}),
    [startNames.fresh]: () =>
      startOnce(parlor, { PARLOR_DATA: mkdtempSync(join(tmpdir(), "parlor-bench-")) }),
    [startNames.used]: () => startOnce(parlor, { PARLOR_DATA: used }),
  };
  const starts: Record<string, Start[]> = {};
  for (const way of Object.values(ways)) await way(); // files come into the system's cache
  for (let i = 0; i < times; i++)
    for (const [name, way] of Object.entries(ways)) starts[name] = [...(starts[name] ?? []), await way()];
  return starts;
}
