// A llama-server of our own: finds the program, starts it on a free loopback port, reads its progress from
// what it prints, starts it again with backoff when it dies, ends it with us (a watch does that when we are
// killed). Whether it answers is upstream/slots' question.

import { accessSync, constants, statSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import type { StartProgress } from "../domain/upstream.ts";
import type { Log } from "../telemetry/log.ts";
import { type Cause, causeOf, hasLoaded, readable } from "./cause.ts";

interface ChildOptions {
  readonly program: string;
  readonly model: string;
  /** Passed through as they are. */
  readonly args: readonly string[];
  readonly apiKey: string | null;
  /** First pause before it is started again; doubles up to `restartMaxMs`, and starts over after it ran that long. */
  readonly restartMs: number;
  readonly restartMaxMs: number;
  /** How long it may take to end by itself. */
  readonly endMs: number;
  readonly log: Log;
}

/**
 * Outlives us for a moment: its standard input is a pipe whose other end is ours alone, so its end is our end, whatever ended us. Then it ends the process group
 * of the llama-server in `$1`, in order for a second (a build removes what it has begun), then for good.
 */
const watch = `trap "" HUP INT TERM; read -r _; kill -s TERM -- "-$1" && sleep 1 && kill -s KILL -- "-$1"`;

/** After so many failures in a row for one and the same reason it is said that it can't be started; it is tried all the same, since the file may still be coming. */
const alikeMax = 2;

/** How long what it has printed may take to reach us after it has ended, in ms. */
const lastWordsMs = 500;

/** Lines of its output that are kept, over its restarts: for the operator's page, and for the log when it dies. */
const keptLines = 400;

/** The llama-server to start: the one named, else the one beside our executable, else the first of PATH; null when there is none. */
export function findLlamaServer(named: string | null, besides: string, path: string): string | null {
  if (named) return isExecutable(named) ? named : null;
  const folders = [dirname(besides), ...path.split(delimiter)];
  return folders.map((folder) => join(folder, "llama-server")).find(isExecutable) ?? null;
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

/** A port of loopback that nobody listens on now. */
function freePort(): number {
  const server = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
  server.stop(true);
  return server.port;
}

export class LlamaChild {
  readonly url: string;
  readonly #options: ChildOptions;
  readonly #port: number;
  readonly #listeners = new Set<() => void>();
  #process: Bun.Subprocess | null = null;
  #watch: Bun.Subprocess<"pipe", "ignore", "ignore"> | null = null;
  #progress: StartProgress | null = { percent: null, line: "" };
  #lines: string[] = [];
  /** How many of these it printed since it was last started. */
  #linesOfRun = 0;
  #failures = 0;
  /** Why it ended last, how often in a row before it had a model, and the longest of these tries, in ms. */
  #cause: Cause | null = null;
  #alike = 0;
  #triedMs = 0;
  #startedAt = 0;
  #restart: Timer | null = null;
  #closed = false;

  constructor(options: ChildOptions) {
    this.#options = options;
    this.#port = freePort(); // kept over restarts, so that the address stays
    this.url = `http://127.0.0.1:${this.#port}`;
    this.#start();
  }

  /** What it says of its start; null when it is not running and none is planned. */
  get progress(): StartProgress | null {
    return this.#progress;
  }

  /** Why it ended last; null before it did. */
  get cause(): Cause | null {
    return this.#cause;
  }

  /** What it has printed lately. */
  get log(): readonly string[] {
    return this.#lines;
  }

  /** Its process id; null while none runs. */
  get pid(): number | null {
    return this.#process?.exitCode === null && this.#process.signalCode === null ? this.#process.pid : null;
  }

  onChange(listener: () => void): void {
    this.#listeners.add(listener);
  }

  /** Ends it: SIGTERM to its process group, SIGKILL after `endMs`. */
  async close(): Promise<void> {
    this.#closed = true;
    if (this.#restart) clearTimeout(this.#restart);
    const child = this.#process;
    if (!child || this.pid === null) return;
    this.#signal(child, "SIGTERM");
    const killer = setTimeout(() => this.#signal(child, "SIGKILL"), this.#options.endMs);
    await child.exited;
    clearTimeout(killer);
    this.#clearUp(child);
  }

  #start(): void {
    const { program, model, args, apiKey, log } = this.#options;
    this.#startedAt = performance.now();
    this.#linesOfRun = 0;
    this.#hope({ percent: null, line: "" });
    const command = [program, "--model", model, "--host", "127.0.0.1", "--port", String(this.#port), ...args];
    let child: Bun.Subprocess<"ignore", "pipe", "pipe">;
    try {
      child = Bun.spawn(command, {
        stdin: "ignore",
        stdout: "pipe",
        stderr: "pipe",
        detached: true, // a process group of its own, so that what it starts ends with it
        env: { ...withoutOurs(process.env), ...(apiKey ? { LLAMA_API_KEY: apiKey } : {}) },
        onExit: (ended, code, signal) => {
          if (this.#closed) return;
          this.#clearUp(ended);
          const ranMs = performance.now() - this.#startedAt;
          void Promise.race([said, Bun.sleep(lastWordsMs)]).then(() => this.#ended(ranMs, code, signal));
        },
      });
    } catch (error) {
      // not a program after all, or gone since: that is another way to have ended
      this.#keep(`error: ${program} can't be started: ${(error as Error).message}`);
      this.#ended(0, null, null);
      return;
    }
    this.#process = child;
    this.#watch = watchOver(child.pid);
    log[this.#alike < alikeMax ? "info" : "debug"]("llama-server is started", {
      program,
      model,
      port: this.#port,
    });
    const said = Promise.all([child.stdout, child.stderr].map((stream) => this.#read(stream)));
  }

  #ended(ranMs: number, code: number | null, signal: number | string | null): void {
    if (this.#closed) return;
    const { restartMs, restartMaxMs, log } = this.#options;
    this.#failures = ranMs > restartMaxMs ? 1 : this.#failures + 1;
    const pauseMs = Math.min(restartMs * 2 ** (this.#failures - 1), restartMaxMs);
    const ofRun = this.#linesOfRun > 0 ? this.#lines.slice(-this.#linesOfRun) : [];
    const cause = causeOf(ofRun, { code, signal });
    const isAnother = hasLoaded(ofRun) || cause.line !== this.#cause?.line;
    this.#triedMs = isAnother ? ranMs : Math.max(this.#triedMs, ranMs);
    this.#alike = hasLoaded(ofRun) ? 0 : isAnother ? 1 : this.#alike + 1;
    this.#cause = cause;
    log[this.#alike <= alikeMax ? "error" : "debug"]("llama-server ended", {
      code,
      signal,
      pauseMs,
      cause: cause.line,
    });
    this.#say({ percent: null, line: cause.line, ...(this.#alike >= alikeMax && { failure: cause.kind }) });
    this.#restart = setTimeout(() => this.#start(), pauseMs);
  }

  async #read(stream: ReadableStream<Uint8Array>): Promise<void> {
    const decoder = new TextDecoder();
    let open = "";
    for await (const chunk of stream) {
      const lines = (open + decoder.decode(chunk, { stream: true })).split(/\r?\n|\r/);
      open = (lines.pop() ?? "").slice(-4096); // progress dots come without a line end
      for (const line of lines) this.#heard(line.trim());
    }
  }

  #heard(line: string): void {
    if (line === "") return;
    this.#keep(line.slice(0, 400));
    this.#options.log.debug("llama-server says", { line });
    const percent = /^\[\s*(\d{1,3})(?:%|\/(\d+))\]/.exec(line);
    const share = percent && Number(percent[1]) / Number(percent[2] ?? 100);
    this.#hope({
      percent: share === null ? (this.#progress?.percent ?? null) : Math.min(100, Math.floor(share * 100)),
      line: readable(line),
    });
  }

  #keep(line: string): void {
    this.#lines.push(line);
    if (this.#lines.length > keptLines) this.#lines.shift();
    this.#linesOfRun = Math.min(this.#linesOfRun + 1, this.#lines.length);
  }

  /** What it says of this try; while it has failed again and again, once it has gone on for longer than it did before. */
  #hope(progress: StartProgress): void {
    if (this.#alike < alikeMax || performance.now() - this.#startedAt > 2 * this.#triedMs + 1_000)
      this.#say(progress);
  }

  #say(progress: StartProgress | null): void {
    this.#progress = progress;
    for (const listener of this.#listeners) listener();
  }

  /** Ends what it has left behind, and the watch over it. */
  #clearUp(child: Bun.Subprocess): void {
    this.#watch?.kill("SIGKILL");
    this.#watch = null;
    this.#signal(child, "SIGKILL");
  }

  #signal(child: Bun.Subprocess, signal: NodeJS.Signals): void {
    try {
      process.kill(-child.pid, signal);
    } catch {
      child.kill(signal);
    }
  }
}

/** An environment without parlor's own settings: some are secrets that llama-server has nothing to do with. */
function withoutOurs(env: Readonly<Record<string, string | undefined>>): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith("PARLOR_")));
}

/** Ends a process group when we are gone. Where there is no shell, a parlor that is killed leaves its llama-server behind. */
function watchOver(group: number): Bun.Subprocess<"pipe", "ignore", "ignore"> | null {
  try {
    return Bun.spawn(["/bin/sh", "-c", watch, "parlor-watch", String(group)], {
      stdin: "pipe",
      stdout: "ignore",
      stderr: "ignore",
      detached: true,
    });
  } catch {
    return null;
  }
}
