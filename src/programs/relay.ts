// The endpoints for OpenAI and Anthropic clients: a request waits in the queue like a Run, then goes to
// llama-server, and its answer comes back byte for byte. Nothing of either is stored.

import { type Identity, needScope } from "../auth/auth.ts";
import type { Quota } from "../chat/quota.ts";
import type { KeyScope, Person } from "../domain/account.ts";
import type { ReadBody } from "../domain/body.ts";
import { asFailure, Failure, type Refuse } from "../domain/failure.ts";
import type { Place } from "../domain/run.ts";
import type { SettingsResolver } from "../persona/effective-settings.ts";
import type { Queue } from "../runs/queue.ts";
import type { SpecialServers } from "../upstream/meaning.ts";
import type { Relayed, Upstream } from "../upstream/upstream.ts";
import { dialectOf, programRefusal, refusalText } from "./errors.ts";
import { modelsAnswer } from "./models.ts";
import { RelayedAnswer, type RelayedAnswerBounds } from "./relayed-answer.ts";
import { type ProgramRequest, programRequestOf } from "./request.ts";
import { type ApiRoute, routeOf } from "./routes.ts";
import { endStream, isStreamPath, streamAnswer, streamHeader, streamIdOf } from "./streams.ts";
import { tokensIn } from "./token-count.ts";

interface RelayOptions extends RelayedAnswerBounds {
  /** Called when the request is finished, whatever its outcome. */
  onFinished(): void;
  readonly quota: Quota;
  readonly queue: Pick<Queue, "apiRequests" | "unqueued">;
  readonly embedder: SpecialServers;
  readonly reranker: SpecialServers;
  readonly settings: SettingsResolver;
  readonly readBody: ReadBody;
  /** Prefix of the addresses in refusals; see http/base. */
  readonly basePath: string;
  readonly upstream: Upstream;
  readonly refuse: Refuse;
  bug(error: unknown): void;
  /** Largest request body. */
  readonly programMaxBytes: number;
}

/**
 * Answers a program's request. Every check that can refuse it without its body comes before the body is read.
 * @param pathname the path without the base path
 * @param requestId the id in logs
 * @returns never rejects: a Failure becomes an answer in the client's dialect
 */
export async function relay(
  request: Request,
  pathname: string,
  identity: Identity | null,
  requestId: string,
  options: RelayOptions,
): Promise<Response> {
  const { settings, quota, upstream, readBody, programMaxBytes } = options;
  const dialect = dialectOf(pathname, request.headers);
  let release = () => {};
  const onFinished = () => {
    release();
    options.onFinished();
  };
  try {
    if (isStreamPath(pathname)) {
      const person = personWithScope(identity, "answers");
      return await streamAnswer(request, pathname, person, requestId, { ...options, onFinished });
    }
    const route = routeOf(pathname, request.method, options.basePath);
    const person = personWithScope(identity, route.scope);
    if (route.isAnswer) settings.refuseIfEnforced();
    if (route.purpose === "rerank" && !specialOf(route, options)) throw new Failure("no_reranker");
    const models = await modelsAnswer(route.method, pathname, requestId, options);
    if (models) {
      onFinished();
      return models;
    }
    if (!route.needsNoSlot) await quota.mayAsk(person);
    const body = await readBody(request, { maxBytes: programMaxBytes, owner: person.id });
    release = body.release;
    const parsed = await programRequestOf(request, body.bytes, route.prompts);
    const canResume = route.isAnswer && parsed.isStream;
    const streamId = canResume ? streamIdOf(person, request.headers.get(streamHeader)) : null;
    // a stream that can be resumed at a byte is passed on byte for byte, without comments of parlor's
    const hasComments = parsed.isStream && !route.needsNoSlot && streamId === null;
    const answer = new RelayedAnswer(hasComments ? dialect : null, options);
    const headers = { ...parsed.headers, ...(streamId !== null && { [streamHeader]: streamId }) };
    const path = pathname + new URL(request.url).search;
    const relayed = { ...parsed, method: route.method, path, headers };
    const queued = { request, pathname, requestId, person, route, relayed, answer, streamId };
    const special = specialOf(route, options);
    const forwarded = route.needsNoSlot
      ? upstream.pass({ run: requestId, request: requestId }, relayed, answer, answer.signal)
      : special
        ? forwardSpecial(queued, special, options)
        : forwardQueued(queued, options);
    forwarded.finally(onFinished).then(
      () => answer.end(),
      (error: unknown) => {
        if (asFailure(error).code === "internal" && !answer.signal.aborted) options.bug(error);
        answer.fail(error, (failure) => refusalText(failure, dialect));
      },
    );
    const response = await answer.response;
    if (request.method !== "HEAD") return response;
    await response.body?.cancel();
    return new Response(null, response);
  } catch (error) {
    const failure = options.refuse(error);
    onFinished();
    return programRefusal(failure, dialect);
  }
}

/** @throws Failure `not_signed_in`, `key_scope` */
function personWithScope(identity: Identity | null, scope: KeyScope): Person {
  if (!identity) throw new Failure("not_signed_in");
  needScope(identity, scope);
  return identity.person;
}

interface QueuedRequest {
  readonly request: Request;
  readonly pathname: string;
  readonly requestId: string;
  readonly person: Person;
  readonly route: ApiRoute;
  readonly relayed: Relayed & Pick<ProgramRequest, "slots">;
  readonly answer: RelayedAnswer;
  /** Under which llama-server keeps the answer, if the client wants to resume it. */
  readonly streamId: string | null;
}

/** The servers that answer a route beside the queue; null: those of conversations answer it. */
function specialOf({ purpose }: ApiRoute, { embedder, reranker }: RelayOptions): SpecialServers | null {
  const servers = purpose && { embed: embedder, rerank: reranker }[purpose];
  return servers?.isOffered ? servers : null;
}

function forwardSpecial(
  { pathname: path, requestId: request, person, relayed, answer }: QueuedRequest,
  servers: SpecialServers,
  { queue }: RelayOptions,
): Promise<void> {
  return queue.unqueued.run({ person, request, path }, async (used) => {
    answer.onBytes = (bytes) => {
      used.tokens = tokensIn(bytes, used.tokens);
    };
    await servers.pass({ run: request, request }, relayed, answer, answer.signal);
  });
}

/**
 * Waits in the queue for the request's Slot, then forwards it.
 * @throws as `ApiRequests.withSlot`, `Slot.relay`
 */
function forwardQueued(queued: QueuedRequest, options: RelayOptions): Promise<void> {
  const { request, pathname, requestId, person, route, relayed, answer, streamId } = queued;
  const { queue, settings, upstream, clientSignal } = options;
  const slotOptions = {
    ...{ person, request: requestId, path: pathname, model: relayed.model, slots: relayed.slots },
    signal: answer.signal,
    placed: (place: Place) => answer.placed(place),
  };
  return queue.apiRequests.withSlot(slotOptions, async (apiRequest, slot) => {
    const { run, signal } = apiRequest;
    if (route.isAnswer) settings.refuseIfEnforced(); // the setting may have changed during the wait
    answer.onBytes = (bytes) => {
      apiRequest.heard();
      apiRequest.tokens = tokensIn(bytes, apiRequest.tokens);
    };
    try {
      await slot.relay({ run, request: requestId }, relayed, answer, signal);
    } finally {
      // A client that has disconnected may resume its stream. One that was stopped, or has lost its access,
      // may not.
      const hasLostAccess = clientSignal.aborted && !request.signal.aborted;
      const isStopped = signal.aborted && (!answer.signal.aborted || hasLostAccess);
      if (streamId !== null && isStopped) await endStream(upstream, streamId);
    }
  });
}
