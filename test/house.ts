// A whole parlor inside the test's process, on a free port, and clients for its two sockets.

import { parseHTML } from "linkedom";
import { type App, createApp } from "../src/app.ts";
import type { AuthMode } from "../src/auth/auth.ts";
import type { OidcOptions } from "../src/auth/oidc.ts";
import { localBus } from "../src/bus/local.ts";
import type { Bounds } from "../src/config/bounds.ts";
import { defaultBounds } from "../src/config/config.ts";
import { newId } from "../src/domain/id.ts";
import { PersonaFolder } from "../src/persona/folder.ts";
import type { RunsDependencies } from "../src/runs/dependencies.ts";
import { openSqlite } from "../src/store/sqlite.ts";
import type { Draft, Store } from "../src/store/store.ts";
import { openLog } from "../src/telemetry/log.ts";
import { Metrics } from "../src/telemetry/metrics.ts";
import { openLlama } from "../src/upstream/llama.ts";
import { LlamaEmbedder } from "../src/upstream/llama-embedder.ts";
import { LlamaReranker } from "../src/upstream/llama-reranker.ts";
import { Pool } from "../src/upstream/pool.ts";
import { markdownHtml } from "../views/markdown/html.ts";
import { inWords } from "../views/markdown/marks.ts";
import { wordsOf } from "../views/words.ts";
import { until } from "./llama/server.ts";

export interface House {
  readonly url: string;
  readonly store: Store;
  /** Every line that was logged. */
  readonly log: string[];
  readonly upstream: Pool;
  readonly app: App;
  stop(): Promise<void>;
}

export interface HouseOptions {
  /** Of a llama-server, or several. */
  readonly llama: string | readonly string[];
  /** A llama-server that embeds. */
  readonly embed?: string;
  /** A llama-server that ranks. */
  readonly rerank?: string;
  readonly bounds?: Partial<Bounds>;
  readonly allowOrigins?: readonly string[];
  readonly apiKey?: string;
  /** A folder of personas; none: there are none. */
  readonly personas?: string;
  readonly enforcedPersona?: string;
  readonly generateTitles?: boolean;
  readonly auth?: AuthMode;
  readonly oidc?: OidcOptions;
  readonly trustedProxies?: readonly string[];
  readonly metricsToken?: string;
  readonly basePath?: string;
  readonly areUpstreamsFixed?: boolean;
  /** Else any free one. */
  readonly port?: number;
  /** The operator's folder of documents; none: none is followed. */
  readonly documents?: string;
  /** A file that outlives the house; none: in memory. */
  readonly file?: string;
  /** See RunsDependencies. */
  readonly goesOn?: RunsDependencies["goesOn"];
  /** Called after a checkpoint is stored. */
  readonly checkpointed?: (drafts: readonly Draft[]) => void;
}

/** Short waits, so that tests of failures are quick; everything else as people have it. */
const testBounds: Partial<Bounds> = {
  pollMs: 30,
  pollReadyMs: 200,
  probeMs: 2_000,
  stopMs: 5_000,
  graceMs: 200,
};

export async function startHouse(options: HouseOptions): Promise<House> {
  const {
    llama,
    bounds: wished,
    allowOrigins = [],
    apiKey,
    file,
    generateTitles = false,
    enforcedPersona = null,
  } = options;
  const { auth = "none", trustedProxies = [], oidc = null, metricsToken = null } = options;
  const bounds: Bounds = { ...defaultBounds, ...testBounds, ...wished };
  const lines: string[] = [];
  const log = openLog({ level: "debug", format: "json", write: (line) => lines.push(line) });
  const open = (url: string) => openLlama({ url, apiKey: apiKey ?? null, log, ...bounds });
  const upstream = new Pool({ open, log }, [llama].flat());
  const special = (url: string | undefined) =>
    url === undefined
      ? null
      : new Pool(
          { open: (at) => openLlama({ url: at, apiKey: null, log, ...bounds, isSpecial: true }), log },
          [url],
        );
  const embedder = new LlamaEmbedder("embed", special(options.embed), upstream);
  const reranker = new LlamaReranker("rerank", special(options.rerank), upstream);
  const metrics = new Metrics();
  const store = openSqlite(file ?? ":memory:", { stored: (ms) => metrics.stored(ms) });
  const { checkpointed } = options;
  if (checkpointed) {
    const checkpoint = store.checkpoint.bind(store);
    store.checkpoint = (drafts) => checkpoint(drafts).then(() => checkpointed(drafts));
  }
  const kept = {
    store,
    temporary: openSqlite(":memory:", { beside: store }),
    personas: new PersonaFolder(options.personas ?? "/nonexistent", log),
  };
  const doors = {
    auth,
    oidc,
    trustedProxies,
    allowOrigins,
    metricsToken,
    metricsAllow: ["127.0.0.1"],
    basePath: options.basePath ?? "",
    isTls: false,
  };
  const app = await createApp({
    ...kept,
    ...doors,
    enforcedPersona,
    generateTitles,
    areUpstreamsFixed: options.areUpstreamsFixed ?? true,
    logTexts: false,
    goesOn: options.goesOn,
    documents: options.documents ?? null,
    bus: localBus(),
    upstream,
    embedder,
    reranker,
    log,
    metrics,
    bounds,
  });
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: options.port ?? 0,
    development: false,
    fetch: app.fetch,
    websocket: app.websocket,
  });
  app.begin();
  return {
    url: `http://127.0.0.1:${server.port}`,
    store,
    log: lines,
    upstream,
    app,
    async stop() {
      await app.stop();
      await server.stop(true);
    },
  };
}

/** The other end of `/chat`: frames as they come. */
export class PlainClient {
  readonly frames: string[] = [];
  readonly ws: WebSocket;
  closed = false;

  constructor(house: Pick<House, "url">, headers: Record<string, string> = {}) {
    this.ws = new WebSocket(`${house.url.replace("http", "ws")}/chat`, { headers } as never);
    this.ws.onmessage = (event) => this.frames.push(String(event.data));
    this.ws.onclose = () => {
      this.closed = true;
    };
  }

  async opened(): Promise<this> {
    await until(() => this.ws.readyState === WebSocket.OPEN, "the plain socket is open");
    return this;
  }

  /** Sends a prompt and waits for the closing word: the text, and that word. */
  async ask(prompt: string, withinMs?: number): Promise<{ text: string; pieces: string[]; last: string }> {
    const from = this.frames.length;
    this.ws.send(prompt);
    const isLast = (frame: string | undefined) =>
      frame === "[DONE]" || frame?.startsWith("[ERROR] ") === true;
    await until(
      () => this.frames.length > from && isLast(this.frames.at(-1)),
      `"${prompt.slice(0, 40)}" is answered`,
      withinMs,
    );
    const pieces = this.frames.slice(from, -1);
    return { text: pieces.join(""), pieces, last: this.frames.at(-1) as string };
  }

  close(): void {
    this.ws.close();
  }
}

/**
 * A page without a browser: opens `/live`, applies each frame's fragments to a document as htmx does, and comes again
 * when the socket closes. What it shows is what a reader would see.
 */
export class PageClient {
  readonly #url: string;
  readonly #headers: Record<string, string>;
  readonly conversation: string;
  readonly document: Document;
  ws!: WebSocket;
  frames: string[] = [];
  /** Set to stop coming again. */
  gone = false;

  constructor(
    house: Pick<House, "url">,
    conversation: string = newId(),
    headers: Record<string, string> = {},
  ) {
    this.conversation = conversation;
    this.#url = `${house.url.replace("http", "ws")}/live?c=${conversation}`;
    this.#headers = headers;
    this.document =
      parseHTML(`<!doctype html><html><body><div id="thread"></div><p id="status"></p><div id="upstream"></div><p id="announce"></p>
      <div id="notice"></div><div id="controls"></div><p id="context"></p><p id="allowance"></p><button id="voice"></button><div id="settings"></div></body></html>`)
        .document as unknown as Document;
    this.connect();
  }

  connect(): void {
    const ws = new WebSocket(this.#url, { headers: this.#headers } as never);
    this.ws = ws;
    ws.onmessage = (event) => this.receive(String(event.data));
    ws.onclose = () => {
      if (!this.gone && this.ws === ws) setTimeout(() => !this.gone && this.connect(), 5);
    };
  }

  async ready(): Promise<this> {
    await until(
      () => this.element("status").getAttribute("data-connection") === "on",
      "the page is connected",
    );
    return this;
  }

  say(text: string, message = newId()): string {
    this.command({ type: "say", message, text });
    return message;
  }

  command(fields: Record<string, unknown>): void {
    this.ws.send(JSON.stringify({ ...fields, headers: { "HX-Request": "true" } }));
  }

  element(id: string): Element {
    const found = this.document.getElementById(id);
    if (!found) throw new Error(`the page has no #${id}`);
    return found;
  }

  /** What the running answer says of its state. */
  get runState(): string {
    return this.document.getElementById("run")?.textContent ?? "";
  }

  articles(): { role: string; status: string; text: string; id: string }[] {
    return [...this.document.querySelectorAll("article")].map((article) => ({
      id: article.id.slice(2),
      role: article.getAttribute("data-role") ?? "",
      status: article.getAttribute("data-status") ?? "",
      text: textIn(
        [...article.children].find((child) => child.className === "text"),
        article.getAttribute("data-role"),
      ),
    }));
  }

  get last(): { role: string; status: string; text: string; id: string } | undefined {
    return this.articles().at(-1);
  }

  async lastIs(status: string): Promise<{ role: string; status: string; text: string; id: string }> {
    await until(
      () => this.last?.role === "assistant" && this.last.status === status,
      `the last answer is ${status}`,
    );
    return this.last as never;
  }

  close(): void {
    this.gone = true;
    this.ws.close();
  }

  protected receive(frame: string): void {
    this.frames.push(frame);
    applyFrame(this.document, frame);
  }
}

/** The elements of a page that frames address. */
export function emptyPage(): Document {
  return parseHTML(`<!doctype html><html><body><div id="thread"></div><p id="status"></p><div id="upstream"></div><p id="announce"></p>
    <div id="notice"></div><div id="controls"></div><p id="context"></p><p id="allowance"></p><button id="voice"></button><div id="settings"></div></body></html>`)
    .document as unknown as Document;
}

/** The text of an answer as a reader sees it: its Markdown rendered, as text. */
export function rendered(text: string): string {
  const { document } = parseHTML(
    `<!doctype html><html><body>${inWords(markdownHtml(text), wordsOf("en"))}</body></html>`,
  );
  return readable(document.body as unknown as Element);
}

/** A question stands as it was written; of an answer it counts what can be read. */
function textIn(element: Element | undefined, role: string | null): string {
  return role === "user" ? (element?.textContent ?? "") : readable(element);
}

/** What can be read in an element: its text, without the white space that only stands between blocks. */
export function readable(element: Element | undefined): string {
  return (element?.textContent ?? "").replace(/\s+/g, " ").trim();
}

/** Does to a document what htmx does with a frame: all targets are found before any fragment is put in its place. */
export function applyFrame(document: Document, frame: string): void {
  const fragments = [
    ...frame.matchAll(
      /<hx-partial (?:id=([\w-]+)|hx-target="([^"]*)")(?: hx-swap=(\w+))?>(.*?)<\/hx-partial>|<hx-g d=(\d+)>(.*?)<\/hx-g>/gs,
    ),
  ];
  const found = fragments.map(([, id, selector, swap = "innerHTML", html = "", depth, grown = ""]) =>
    depth === undefined
      ? { target: targetOf(document, id, selector), swap, html }
      : { target: endOf(document, Number(depth)), swap: "beforeend", html: grown },
  );
  for (const { target, swap, html } of found) if (target) put(document, target, swap, html); // a fragment for nobody is dropped
}

function targetOf(document: Document, id: string | undefined, selector = ""): Element | null {
  if (id !== undefined) return document.getElementById(id);
  let target: Element | null = document.getElementById(/^#([\w-]+)/.exec(selector)?.[1] ?? "");
  for (const [, step = ""] of selector.matchAll(/>([^>]+)/g)) {
    const children: Element[] = [...(target?.children ?? [])];
    target =
      children.find((child) =>
        step.startsWith(".") ? child.className === step.slice(1) : child.localName === step,
      ) ?? null;
  }
  return target;
}

/** Where an open answer grows: its last element, or that one's, so deep. */
function endOf(document: Document, depth: number): Element | null {
  let end: Element | null = document.getElementById("t");
  for (let i = 0; i < depth; i++) end = end?.lastElementChild ?? null;
  return end;
}

function put(document: Document, target: Element, swap: string, html: string): void {
  const template = document.createElement("template");
  template.innerHTML = html;
  const nodes = [...template.content.childNodes];
  const only = template.content.firstElementChild;
  if (swap === "outerMorph" && only?.hasAttribute("hx-morph-skip-children"))
    for (const { name, value } of only.attributes) target.setAttribute(name, value);
  else if (swap === "innerHTML" || swap === "innerMorph") target.replaceChildren(...nodes);
  else if (swap === "beforeend") target.append(...nodes);
  else if (swap === "before") target.before(...nodes);
  else if (swap === "outerHTML" || swap === "outerMorph") target.replaceWith(...nodes);
  else if (swap === "delete") target.remove();
  else throw new Error(`unknown swap ${swap}`);
}
