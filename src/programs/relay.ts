// The doors of OpenAI's and Anthropic's programs: what they ask goes through the line as anything does, and
// then to llama-server and back byte for byte. Nothing of it is kept.

import { type Identity, needScope } from "../auth/auth.ts";
import type { SettingsResolver } from "../chat/effective-settings.ts";
import type { Quota } from "../chat/quota.ts";
import type { Runs } from "../chat/runs.ts";
import type { ReadBody } from "../domain/body.ts";
import { asFailure, Failure, type Refuse } from "../domain/failure.ts";
import type { Place } from "../domain/run.ts";
import type { Relayed, Upstream } from "../upstream/upstream.ts";
import { dialectOf, programRefusal, refusalText } from "./errors.ts";
import { modelList, oneModel } from "./models.ts";
import { RelayedAnswer, type RelayedAnswerBounds } from "./relayed-answer.ts";
import { programRequestOf } from "./request.ts";
import { modelAt, servedAt } from "./routes.ts";
import { endStream, isStreamPath, streamAnswer, streamHeader, streamIdOf } from "./streams.ts";

interface RelayParts extends RelayedAnswerBounds {
  /** All is over. */
  over(): void;
  readonly quota: Quota;
  readonly runs: Pick<Runs, "apiRequests">;
  readonly settings: SettingsResolver;
  readonly readBody: ReadBody;
  /** See http/base: for the addresses that a program is told. */
  readonly basePath: string;
  readonly upstream: Upstream;
  readonly refuse: Refuse;
  bug(error: unknown): void;
  /** Largest request. */
  readonly programMaxBytes: number;
}

/** Answers a program's request; `pathname` is the address inside. Everything that can refuse it is asked before its body is read. */
export async function relay(
  request: Request,
  pathname: string,
  known: Identity | null,
  id: string,
  parts: RelayParts,
): Promise<Response> {
  const { search } = new URL(request.url);
  const dialect = dialectOf(pathname, request.headers);
  let release = () => {};
  const over = () => {
    release();
    parts.over();
  };
  try {
    if (isStreamPath(pathname)) {
      if (!known) throw new Failure("not_signed_in");
      needScope(known, "answers");
      return await streamAnswer(request, pathname, known.person, id, { ...parts, over });
    }
    const route = servedAt(pathname, request.method, parts.basePath);
    if (!known) throw new Failure("not_signed_in");
    needScope(known, route.scope);
    if (route.isAnswer) parts.settings.refuseIfEnforced();
    const { state, servers } = parts.upstream;
    const wished = modelAt(pathname);
    if (wished !== null || (route.method === "GET" && servers.length > 1)) {
      const listed =
        wished === null
          ? modelList(state.models.map(({ name }) => name))
          : await oneModel({ run: id, request: id }, wished, parts.upstream, parts.gone);
      over();
      return listed;
    }
    if (!route.isFree) await parts.quota.mayAsk(known.person);
    const body = await parts.readBody(request, { maxBytes: parts.programMaxBytes, owner: known.person.id });
    release = body.release;
    const asking = await programRequestOf(request, body.bytes, route.prompts);
    const stream =
      route.isAnswer && asking.isStream ? streamIdOf(known.person, request.headers.get(streamHeader)) : null;
    // a stream that can be taken up at a byte is passed on byte for byte: no words of ours are in it
    const passing = new RelayedAnswer(
      asking.isStream && !route.isFree && stream === null ? dialect : null,
      parts,
    );
    const headers = { ...asking.headers, ...(stream !== null && { [streamHeader]: stream }) };
    const relayed: Relayed = { method: route.method, path: pathname + search, ...asking, headers };
    const wish = {
      person: known.person,
      request: id,
      path: pathname,
      model: asking.model,
      slots: asking.slots,
      signal: passing.signal,
      placed: (place: Place) => passing.placed(place),
    };
    const passedOn = route.isFree
      ? parts.upstream.pass({ run: id, request: id }, relayed, passing, passing.signal)
      : parts.runs.apiRequests.withSlot(wish, async (apiRequest) => {
          if (route.isAnswer) parts.settings.refuseIfEnforced(); // it may have been set while this one waited
          passing.heard = (bytes) => {
            apiRequest.heard();
            apiRequest.tokens = tokensIn(bytes, apiRequest.tokens);
          };
          try {
            await parts.upstream.relay(
              { run: apiRequest.run, request: id },
              relayed,
              passing,
              apiRequest.signal,
            );
          } finally {
            // a program that has gone away may come back to its stream; one that was stopped, or may not ask any more, may not
            const isStopped =
              apiRequest.signal.aborted &&
              (!passing.signal.aborted || (parts.gone.aborted && !request.signal.aborted));
            if (stream !== null && isStopped) await endStream(parts.upstream, stream);
          }
        });
    passedOn.finally(over).then(
      () => passing.end(),
      (error: unknown) => {
        if (asFailure(error).code === "internal" && !passing.signal.aborted) parts.bug(error);
        passing.fail(error, (failure) => refusalText(failure, dialect));
      },
    );
    const response = await passing.response;
    if (request.method !== "HEAD") return response;
    await response.body?.cancel();
    return new Response(null, response);
  } catch (error) {
    const failure = parts.refuse(error);
    over();
    return programRefusal(failure, dialect);
  }
}

/** Names under which llama-server says at the end of an answer how many tokens it cost, in its own dialect and those of programs. */
const figures = /"(prompt_n|predicted_n|output_tokens|completion_tokens|total_tokens)":\s*(\d{1,9})(?!\d)/g;

/** Tokens that an answer has cost, as far as these bytes tell: what it says of them itself at its end, else one for each event. */
function tokensIn(bytes: Uint8Array, before: number): number {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (!text.includes('_n"') && !text.includes('_tokens"')) return before + eventsIn(text);
  const found: Record<string, number> = {};
  for (const [, name, value] of text.toString("latin1").matchAll(figures))
    found[name as string] ??= Number(value);
  const { prompt_n: read, predicted_n: written, output_tokens, completion_tokens, total_tokens } = found;
  if (read !== undefined && written !== undefined) return read + written;
  return (
    [output_tokens, completion_tokens, total_tokens].find((each) => each !== undefined && each > before) ??
    before + eventsIn(text)
  );
}

function eventsIn(bytes: Buffer): number {
  let events = bytes.indexOf("data: ") === 0 ? 1 : 0;
  for (let at = bytes.indexOf("\ndata: "); at >= 0; at = bytes.indexOf("\ndata: ", at + 1)) events++;
  return events;
}
