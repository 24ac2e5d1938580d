// A llama-server that parlor starts: on a free loopback port, with its progress read from its output. It is
// restarted with backoff when it dies, and ended with parlor. Whether it answers is known to upstream/slots;
// the program and its process group are in upstream/process.

import type { StartProgress } from "../domain/upstream.ts";
import type { Log } from "../telemetry/log.ts";
import { type Cause, causeOf, hasLoaded, readable } from "./cause.ts";
import { endWithParlor, envWithoutParlor, freePort, signalGroup } from "./process.ts";

interface ChildOptions {
  readonly program: string;
  readonly model: string;
  /** Passed to the program unchanged. */
  readonly args: readonly string[];
  readonly apiKey: string | null;
  /**
   * First pause before a restart. It doubles up to `restartMaxMs`, and starts over after a run of that
   * length.
   */
  readonly restartMs: number;
  readonly restartMaxMs: number;
  /** Time between SIGTERM and SIGKILL. */
  readonly endMs: number;
  readonly log: Log;
}

/**
 * After this many failures in a row for the same reason, the page says that the server can't be started.
 * Restarts go on all the same, since the model file may still be on its way.
 */
const sameCauseMax = 2;

/** Longest wait for the last output of a process that has ended, in ms. */
const lastOutputMs = 500;

/**
 * Lines of output that are kept over restarts: for the operator's page, and for the log when the process
 * dies.
 */
const keptLines = 400;

export class LlamaChild {
  readonly url: string;
  readonly #options: ChildOptions;
  readonly #port: number;
  readonly #listeners = new Set<() => void>();
  #process: Bun.Subprocess | null = null;
  #guard: Bun.Subprocess<"pipe", "ignore", "ignore"> | null = null;
  #progress: StartProgress | null = { percent: null, line: "" };
  #lines: string[] = [];
  /** How many of these lines the current process has printed. */
  #linesOfRun = 0;
  #failures = 0;
  /** Why the last process ended, how often in a row for that cause, and the longest of these tries in ms. */
  #cause: Cause | null = null;
  #sameCauses = 0;
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

  /** Progress of the start; null when no process runs and none is planned. */
  get progress(): StartProgress | null {
    return this.#progress;
  }

  /** Why the last process ended; null before the first end. */
  get cause(): Cause | null {
    return this.#cause;
  }

  /** The latest lines of its output. */
  get log(): readonly string[] {
    return this.#lines;
  }

  /** Process id; null while no process runs. */
  get pid(): number | null {
    return this.#process?.exitCode === null && this.#process.signalCode === null ? this.#process.pid : null;
  }

  onChange(listener: () => void): void {
    this.#listeners.add(listener);
  }

  /** Ends the process group: SIGTERM, then SIGKILL after `endMs`. */
  async close(): Promise<void> {
    this.#closed = true;
    if (this.#restart) clearTimeout(this.#restart);
    const child = this.#process;
    if (!child || this.pid === null) return;
    signalGroup(child, "SIGTERM");
    const killer = setTimeout(() => signalGroup(child, "SIGKILL"), this.#options.endMs);
    await child.exited;
    clearTimeout(killer);
    this.#clearUp(child);
  }

  #start(): void {
    const { program, model, args, apiKey, log } = this.#options;
    this.#startedAt = performance.now();
    this.#linesOfRun = 0;
    this.#showProgress({ percent: null, line: "" });
    const command = [program, "--model", model, "--host", "127.0.0.1", "--port", String(this.#port), ...args];
    let child: Bun.Subprocess<"ignore", "pipe", "pipe">;
    try {
      child = Bun.spawn(command, {
        stdin: "ignore",
        stdout: "pipe",
        stderr: "pipe",
        detached: true, // a process group of its own, so that what it starts ends with it
        env: { ...envWithoutParlor(process.env), ...(apiKey ? { LLAMA_API_KEY: apiKey } : {}) },
        onExit: (ended, code, signal) => {
          if (this.#closed) return;
          this.#clearUp(ended);
          const ranMs = performance.now() - this.#startedAt;
          void Promise.race([output, Bun.sleep(lastOutputMs)]).then(() => this.#ended(ranMs, code, signal));
        },
      });
    } catch (error) {
      // the file is no program, or was removed meanwhile: treated like a process that has ended
      this.#keep(`error: ${program} can't be started: ${(error as Error).message}`);
      this.#ended(0, null, null);
      return;
    }
    this.#process = child;
    this.#guard = endWithParlor(child.pid);
    log[this.#sameCauses < sameCauseMax ? "info" : "debug"]("llama-server is started", {
      program,
      model,
      port: this.#port,
    });
    const output = Promise.all([child.stdout, child.stderr].map((stream) => this.#read(stream)));
  }

  #ended(ranMs: number, code: number | null, signal: number | string | null): void {
    if (this.#closed) return;
    const { restartMs, restartMaxMs, log } = this.#options;
    this.#failures = ranMs > restartMaxMs ? 1 : this.#failures + 1;
    const pauseMs = Math.min(restartMs * 2 ** (this.#failures - 1), restartMaxMs);
    const linesOfRun = this.#linesOfRun > 0 ? this.#lines.slice(-this.#linesOfRun) : [];
    const cause = causeOf(linesOfRun, { code, signal });
    const isAnother = hasLoaded(linesOfRun) || cause.line !== this.#cause?.line;
    this.#triedMs = isAnother ? ranMs : Math.max(this.#triedMs, ranMs);
    this.#sameCauses = hasLoaded(linesOfRun) ? 0 : isAnother ? 1 : this.#sameCauses + 1;
    this.#cause = cause;
    log[this.#sameCauses <= sameCauseMax ? "error" : "debug"]("llama-server ended", {
      code,
      signal,
      pauseMs,
      cause: cause.line,
    });
    this.#setProgress({
      percent: null,
      line: cause.line,
      ...(this.#sameCauses >= sameCauseMax && { failure: cause.kind }),
    });
    this.#restart = setTimeout(() => this.#start(), pauseMs);
  }

  async #read(stream: ReadableStream<Uint8Array>): Promise<void> {
    const decoder = new TextDecoder();
    let open = "";
    for await (const chunk of stream) {
      const lines = (open + decoder.decode(chunk, { stream: true })).split(/\r?\n|\r/);
      open = (lines.pop() ?? "").slice(-4096); // progress dots come without a line end
      for (const line of lines) this.#lineRead(line.trim());
    }
  }

  #lineRead(line: string): void {
    if (line === "") return;
    this.#keep(line.slice(0, 400));
    this.#options.log.debug("llama-server says", { line });
    const percent = /^\[\s*(\d{1,3})(?:%|\/(\d+))\]/.exec(line);
    const share = percent && Number(percent[1]) / Number(percent[2] ?? 100);
    this.#showProgress({
      percent: share === null ? (this.#progress?.percent ?? null) : Math.min(100, Math.floor(share * 100)),
      line: readable(line),
    });
  }

  #keep(line: string): void {
    this.#lines.push(line);
    if (this.#lines.length > keptLines) this.#lines.shift();
    this.#linesOfRun = Math.min(this.#linesOfRun + 1, this.#lines.length);
  }

  /**
   * Shows the progress of this try. After repeated failures, only once it has run longer than the tries
   * before.
   */
  #showProgress(progress: StartProgress): void {
    if (this.#sameCauses < sameCauseMax || performance.now() - this.#startedAt > 2 * this.#triedMs + 1_000)
      this.#setProgress(progress);
  }

  #setProgress(progress: StartProgress | null): void {
    this.#progress = progress;
    for (const listener of this.#listeners) listener();
  }

  /** Ends the processes that a dead child has left behind, and the guard over them. */
  #clearUp(child: Bun.Subprocess): void {
    this.#guard?.kill("SIGKILL");
    this.#guard = null;
    signalGroup(child, "SIGKILL");
  }
}
