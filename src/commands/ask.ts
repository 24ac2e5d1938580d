// `parlor ask`: sends a question from a terminal to a parlor that serves (POST /ask), and prints the answer
// while it arrives: in colour on a terminal, unchanged for a program.

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { BlockSplitter } from "../../views/markdown/blocks.ts";
import { CommandError } from "../config/arguments.ts";
import { withoutSecrets } from "../domain/upstream.ts";
import { visible } from "../telemetry/log.ts";

interface AskOptions {
  /** The parlor's address, without a slash at its end. */
  readonly url: string;
  /** Path of the Unix socket that the parlor listens on; null if it listens on an address. */
  readonly unix: string | null;
  readonly key: string | null;
  /** The environment, for HOME and XDG_STATE_HOME. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** The conversation of the last question, which `-c` continues. */
interface Last {
  readonly url: string;
  readonly conversation: string;
}

/**
 * Asks the question in `words`, followed by standard input unless that is a terminal. With `-c` among the
 * words, it continues the conversation of the last question.
 * @throws CommandError
 */
export async function runAsk(words: readonly string[], options: AskOptions): Promise<void> {
  const isContinued = words.some((word) => word === "-c" || word === "--continue");
  const typed = words.filter((word) => word !== "-c" && word !== "--continue").join(" ");
  const piped = process.stdin.isTTY ? "" : (await Bun.stdin.text()).trim();
  const text = [typed, piped].filter((part) => part !== "").join("\n\n");
  if (text === "")
    throw new CommandError('what shall be asked? parlor ask "…", or a text on standard input', 2);
  const file = join(
    options.env["XDG_STATE_HOME"] || join(options.env["HOME"] ?? "", ".local/state"),
    "parlor/last.json",
  );
  const last = isContinued ? lastOf(file, options.url) : null;
  if (isContinued && last === null)
    throw new CommandError(
      `nothing was asked at ${withoutSecrets(options.url)} before that could be gone on with`,
      1,
    );
  const where = last === null ? { keep: true } : { conversation: last.conversation };
  let response = await post({ text, ...where }, options);
  // a key without the scope for conversations may still ask; such a conversation is not kept
  if (response.status === 403 && last === null) response = await post({ text }, options);
  if (!response.ok) throw new CommandError(await reasonOf(response), 1);
  const conversation = response.headers.get("x-conversation");
  if (conversation !== null) keep(file, { url: options.url, conversation });
  await show(response);
}

async function post(body: object, { url, unix, key }: AskOptions): Promise<Response> {
  const headers = {
    "content-type": "application/json",
    accept: "text/event-stream",
    ...(key !== null && { authorization: `Bearer ${key}` }),
  };
  try {
    return await fetch(`${url}/ask`, {
      method: "POST",
      headers,
      body: JSON.stringify(body),
      timeout: false,
      ...(unix !== null && { unix }),
    } as RequestInit);
  } catch {
    throw new CommandError(
      `no parlor answers at ${withoutSecrets(url)}; start it, or name another with --host and --port ` +
        "or PARLOR_URL",
      1,
    );
  }
}

async function reasonOf(response: Response): Promise<string> {
  const said = (await response.json().catch(() => null)) as { message?: string } | null;
  const hint = response.status === 401 ? " (a key is given in PARLOR_KEY)" : "";
  return `${said?.message ?? `it answered ${response.status}`}${hint}`;
}

/** Writes the answer to standard output while it arrives. @throws CommandError if the answer fails */
async function show(response: Response): Promise<void> {
  const out = process.stdout.isTTY
    ? new Coloured((text) => void process.stdout.write(text))
    : { put: (text: string) => void process.stdout.write(text), end() {} };
  const decoder = new TextDecoder();
  let open = "";
  for await (const chunk of response.body ?? []) {
    open += decoder.decode(chunk, { stream: true });
    const events = open.split("\n\n");
    open = events.pop() ?? "";
    for (const event of events) {
      const told = JSON.parse(/^data: (.*)$/m.exec(event)?.[1] ?? "{}") as {
        type?: string;
        text?: string;
        position?: number;
        message?: string;
      };
      if (told.type === "queued" && process.stderr.isTTY)
        process.stderr.write(`\r\u001b[2m${Number(told.position)}. in line\u001b[0m\u001b[K\r`);
      else if (told.type === "delta") out.put(String(told.text ?? ""));
      else if (told.type === "error") {
        out.end();
        throw new CommandError(String(told.message ?? "the answer failed"), 1);
      }
    }
  }
  out.end();
  process.stdout.write("\n");
}

/** Direction marks of Arabic and Hebrew texts beside other languages; they don't reverse anything. */
const marks = "\u061c\u200e\u200f";

/** A fence that is longer than any that code is likely to hold. */
const fence = "`".repeat(12);

/**
 * Prints Markdown in a terminal's colours, each block when it is complete. A model's text can't control the
 * terminal: control characters are shown as escapes.
 */
export class Coloured {
  readonly #write: (text: string) => void;
  readonly #splitter: BlockSplitter;
  #code = "";
  #isFirst = true;
  #open = "";

  constructor(write: (text: string) => void) {
    this.#write = write;
    this.#splitter = new BlockSplitter({
      block: (text) => this.#block(text),
      fence: (info) => {
        this.#code = `${fence}${info}\n`;
      },
      code: (line) => {
        this.#code += `${line}\n`;
      },
      fenceEnd: () => this.#block(this.#code + fence),
    });
  }

  put(text: string): void {
    const whole = this.#open + text;
    this.#open = whole.endsWith("\r") ? "\r" : ""; // the line may end with it
    this.#splitter.push(
      visible(whole.slice(0, whole.length - this.#open.length).replaceAll("\r\n", "\n"), `\n\t${marks}`),
    );
  }

  end(): void {
    this.#splitter.push(visible(this.#open));
    this.#splitter.end();
  }

  #block(text: string): void {
    if (text.trim() === "") return;
    this.#write(
      `${this.#isFirst ? "" : "\n"}${visible(Bun.markdown.ansi(text).trimEnd(), `\n\t\u001b${marks}`)}\n`,
    ); // entities are characters now
    this.#isFirst = false;
  }
}

function lastOf(file: string, url: string): Last | null {
  try {
    const last = JSON.parse(readFileSync(file, "utf8")) as Last;
    return last.url === url && typeof last.conversation === "string" ? last : null;
  } catch {
    return null;
  }
}

function keep(file: string, last: Last): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, JSON.stringify(last), { mode: 0o600 });
}
