// A real llama-server with one of the test models, for tests and benchmarks: started on a free port, ended by its id.

import { join } from "node:path";
import { type ModelName, modelFile } from "./models.ts";

const root = join(import.meta.dir, "../..");

export interface Llama {
  readonly url: string;
  readonly process: Bun.Subprocess;
  /** Slots that llama-server itself shows as busy. */
  busySlots(): Promise<number>;
  stop(): Promise<void>;
}

/** The program's path: LLAMA_SERVER, or whatever the launcher finds or builds. */
export function llamaProgram(): string {
  return (
    process.env["LLAMA_SERVER"] ||
    Bun.spawnSync([join(root, "test/llama/llama-server"), "--path"], { stderr: "inherit" })
      .stdout.toString()
      .trim()
  );
}

/** The demo model's file, made when it is not there or older than what it is made of. */
export const demoModel = (): Promise<string> => modelFile("parrot");

/** What a model needs to be started with; a text of an embedder or a reranker must fit in one batch. */
const argsOf = {
  parrot: [],
  magpie: ["--embeddings", "-c", "1024"],
  judge: ["--reranking", "-c", "1024"],
} as const satisfies Partial<Record<ModelName, readonly string[]>>;

/**
 * A port of loopback that nobody listens on now. It is below those that Linux gives to outgoing connections
 * (from 32 768): one of these could be taken between being found and being used, by any request of another
 * test.
 */
export function freePort(): number {
  for (;;) {
    const port = 10_000 + Math.floor(Math.random() * 22_000);
    try {
      Bun.listen({ hostname: "127.0.0.1", port, socket: { data() {} } }).stop(true);
      return port;
    } catch {
      // somebody listens there
    }
  }
}

/**
 * Starts it on this port of loopback, with two slots of 32 768 tokens unless `args` say otherwise. It ends with
 * this process.
 */
export function spawnLlama(port: number, args: readonly string[]): Bun.Subprocess {
  const child = Bun.spawn(
    [
      llamaProgram(),
      ...["--host", "127.0.0.1", "--port", String(port)],
      ...["-c", "65536", "-np", "2"],
      ...args,
    ],
    { stdin: "ignore", stdout: "ignore", stderr: "ignore" },
  );
  process.on("exit", () => child.kill("SIGKILL"));
  return child;
}

/**
 * Starts it with a model, the demo model if none is named, as `spawnLlama`, and waits until it is ready. One thread:
 * two wait for each other at every token, which on a busy machine took up to thirty times as long (measured),
 * and Parrot is so small that one is enough.
 */
export async function startLlama(
  options: { model?: keyof typeof argsOf; port?: number; args?: readonly string[] } = {},
): Promise<Llama> {
  const { model = "parrot", port = freePort(), args = [] } = options;
  const child = spawnLlama(port, [
    ...["--model", await modelFile(model), "--threads", "1"],
    ...argsOf[model],
    ...args,
  ]);
  const url = `http://127.0.0.1:${port}`;
  await until(
    async () => (await fetch(`${url}/health`).catch(() => null))?.ok === true,
    "llama-server is ready",
  );
  return {
    url,
    process: child,
    async busySlots() {
      const slots = (await (await fetch(`${url}/slots`)).json()) as { is_processing: boolean }[];
      return slots.filter((slot) => slot.is_processing).length;
    },
    async stop() {
      child.kill("SIGKILL");
      await child.exited;
    },
  };
}

/**
 * How long a state is waited for. Beside three busy processes on two cores the slowest state takes about 15 s
 * (measured); it is far below a test's own time (test/patience.ts), since the runner ends every process of
 * the file with a test that runs out of it, and all tests that follow would fall.
 */
export const patienceMs = 60_000;

/** Resolves when `condition` holds; fails, naming it, when it does not within `withinMs`. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  what: string,
  withinMs = patienceMs,
): Promise<void> {
  const deadline = performance.now() + withinMs;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`waited ${withinMs} ms in vain until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
