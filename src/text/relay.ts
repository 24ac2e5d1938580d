// The doors of OpenAI's and Anthropic's programs: what they ask goes through the line as anything does, and then to llama-server and back byte for byte.
// Nothing of it is kept. Used by doors.

import { type Known, needScope } from "../auth/auth.ts";
import type { Runs } from "../chat/runs.ts";
import type { KeyScope } from "../domain/account.ts";
import { asFailure, Failure } from "../domain/failure.ts";
import type { Place } from "../domain/run.ts";
import type { Metrics } from "../telemetry/metrics.ts";
import type { RelaySink, Upstream } from "../upstream/upstream.ts";
import { askingOf } from "./asking.ts";
import { type Dialect, dialectOf, eventOf, programRefusal, refusalText } from "./refusing.ts";
import { ProgramBody } from "./way.ts";

export interface RelayParts {
  /** Aborted when the program is gone, or may not ask any more. */
  readonly gone: AbortSignal;
  /** All is over. */
  over(): void;
  readonly runs: Pick<Runs, "leases">;
  readonly upstream: Upstream;
  readonly metrics: Metrics;
  bug(error: unknown): void;
  /** Largest request. */
  readonly programMaxBytes: number;
  /** What may wait for a program that does not read; more and it is let go. */
  readonly outboxMaxBytes: number;
}

interface Route {
  readonly scope: KeyScope;
  /** Answered without a slot. */
  readonly isFree?: true;
  readonly method?: "GET";
}

/** What is passed on. */
const routes: Readonly<Record<string, Route>> = {
  "/v1/chat/completions": { scope: "answers" },
  "/v1/completions": { scope: "answers" },
  "/v1/responses": { scope: "answers" },
  "/v1/messages": { scope: "answers" },
  "/v1/messages/count_tokens": { scope: "answers", isFree: true },
  "/v1/embeddings": { scope: "embeddings" },
  "/v1/models": { scope: "answers", isFree: true, method: "GET" },
};

/** Answers a request for an address below /v1; `pathname` is that address. */
export async function relay(request: Request, pathname: string, known: Known | null, id: string, parts: RelayParts): Promise<Response> {
  const { search } = new URL(request.url);
  const dialect = dialectOf(pathname);
  try {
    const route = Object.hasOwn(routes, pathname) ? routes[pathname] : undefined;
    if (!route || request.method !== (route.method ?? "POST")) throw new Failure("not_found");
    if (!known) throw new Failure("not_signed_in");
    needScope(known, route.scope);
    const { state, servers } = parts.upstream;
    if (pathname === "/v1/models" && servers.length > 1)
      return models(
        state.models.map(({ name }) => name),
        parts,
      );
    const asking = await askingOf(request, parts.programMaxBytes);
    const passing = new Passing(asking.isStream && !route.isFree ? dialect : null, parts.outboxMaxBytes, parts.gone);
    const relayed = { method: route.method ?? "POST", path: pathname + search, ...asking } as const;
    const wish = {
      person: known.person,
      request: id,
      path: pathname,
      model: asking.model,
      signal: passing.signal,
      placed: (place: Place) => passing.placed(place),
    };
    const passedOn = route.isFree
      ? parts.upstream.pass({ run: id, request: id }, relayed, passing, passing.signal)
      : parts.runs.leases.hold(wish, async (lease) => {
          passing.heard = (bytes) => {
            lease.heard();
            lease.tokens = tokensIn(bytes, lease.tokens);
          };
          await parts.upstream.relay({ run: lease.run, request: id }, relayed, passing, lease.signal);
        });
    passedOn.finally(parts.over).then(
      () => passing.end(),
      (error: unknown) => {
        if (asFailure(error).code === "internal" && !passing.signal.aborted) parts.bug(error);
        passing.fail(error, (failure) => refusalText(failure, dialect));
      },
    );
    return await passing.response;
  } catch (error) {
    const failure = asFailure(error);
    if (failure.code === "internal") parts.bug(error);
    parts.metrics.refused(failure.code);
    parts.over();
    return programRefusal(failure, pathname);
  }
}

/** An answer on its way to a program: its head as soon as it is known, or when the line says that it will take a while. */
class Passing implements RelaySink {
  readonly #dialect: Dialect | null;
  readonly #abort = new AbortController();
  readonly #response = Promise.withResolvers<Response>();
  readonly #body: ProgramBody;
  /** The head that llama-server gave, where one had been sent before. */
  #refusal: { text: string } | null = null;
  #hasHead = false;
  /** The place that was told last. */
  #position = 0;
  /** Told of each piece. */
  heard: (bytes: Uint8Array) => void = () => {};

  /** `dialect` is that of the events of a stream; null where the answer comes in one piece. `gone` is aborted when the program is. */
  constructor(dialect: Dialect | null, maxBytes: number, gone: AbortSignal) {
    this.#dialect = dialect;
    this.#body = new ProgramBody(maxBytes, gone, () => this.#abort.abort(new Failure("stopped")));
  }

  /** Aborted when the program is gone or does not read. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** Its head, and the rest as it comes. Rejects with what went wrong before there was one. */
  get response(): Promise<Response> {
    return this.#response.promise;
  }

  /** Only a stream can be told where in line it is: as a comment, which programs that know nothing of it skip. */
  placed({ position }: Place): void {
    if (this.#dialect === null || position === this.#position) return;
    this.#position = position;
    if (!this.#hasHead) this.#respond(200, { "content-type": "text/event-stream" });
    this.#body.put(`: X-Queue-Position: ${position}\n\n`);
  }

  head(status: number, headers: ReadonlyMap<string, string>): void {
    if (!this.#hasHead) this.#respond(status, { "content-type": headers.get("content-type") ?? "application/octet-stream" });
    else if (status !== 200) this.#refusal = { text: "" };
  }

  body(bytes: Uint8Array): void {
    this.heard(bytes);
    if (this.#refusal) this.#refusal.text += new TextDecoder().decode(bytes);
    else this.#body.put(bytes);
  }

  end(): void {
    if (this.#refusal) this.#body.put(eventOf(this.#refusal.text, this.#dialect ?? "openai"));
    this.#body.close();
  }

  /** `text` words a Failure for a program. */
  fail(error: unknown, text: (failure: Failure) => string): void {
    if (!this.#hasHead) this.#response.reject(error);
    else if (this.#dialect === null)
      this.#body.fail(error); // only a stream can say what went wrong
    else {
      this.#body.put(eventOf(text(asFailure(error)), this.#dialect));
      this.#body.close();
    }
  }

  #respond(status: number, headers: Record<string, string>): void {
    this.#hasHead = true;
    this.#response.resolve(new Response(this.#body.stream, { status, headers: { ...headers, "cache-control": "no-store", "x-accel-buffering": "no" } }));
  }
}

/** The models of several llama-servers, as one lists its own. */
function models(names: readonly string[], { over }: Pick<RelayParts, "over">): Response {
  over();
  const created = Math.floor(Date.now() / 1000);
  return Response.json({ object: "list", data: names.map((id) => ({ id, object: "model", created, owned_by: "llamacpp" })) });
}

/** Tokens that an answer has cost, as far as these bytes tell: what it says of them itself at its end, else one for each event. */
function tokensIn(bytes: Uint8Array, before: number): number {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
  const number = (name: string) => Number(new RegExp(`"${name}":\\s*(\\d+)`).exec(text)?.[1] ?? Number.NaN);
  const [read, written] = [number("prompt_n"), number("predicted_n")];
  if (!Number.isNaN(read + written)) return read + written;
  const said = [number("output_tokens"), number("completion_tokens"), number("total_tokens")].find((each) => each > before);
  return said ?? before + (text.match(/^data: /gm)?.length ?? 0);
}
