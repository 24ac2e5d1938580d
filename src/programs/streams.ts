// Resumable streams for API clients: llama-server keeps the answer to a request with X-Conversation-Id, and
// everyone who knows the id can read it from any byte. This file gives each person ids of their own, and
// finds the llama-server that has a stream.

import type { Person } from "../domain/account.ts";
import type { ReadBody } from "../domain/body.ts";
import { Failure } from "../domain/failure.ts";
import { newId } from "../domain/id.ts";
import { parseJson } from "../domain/json.ts";
import type { RelaySink, Upstream } from "../upstream/upstream.ts";
import { RelayedAnswer, type RelayedAnswerBounds } from "./relayed-answer.ts";

interface StreamOptions extends RelayedAnswerBounds {
  readonly upstream: Upstream;
  readonly readBody: ReadBody;
  onFinished(): void;
}

/** Header with which llama-server keeps a stream. */
export const streamHeader = "x-conversation-id";

/** Longest id of a client, in UTF-16 units, and most ids in one lookup. */
const [idMaxChars, lookupMax] = [256, 256];

export const isStreamPath = (pathname: string): boolean =>
  pathname === "/v1/stream" || pathname === "/v1/streams/lookup";

/**
 * The id under which llama-server keeps a person's stream. It depends on the person, so that no one can read
 * or end the stream of somebody else.
 * @returns null without an id
 * @throws Failure `bad_request` for an id that is too long
 */
export function streamIdOf({ id: person }: Pick<Person, "id">, id: string | null): string | null {
  if (id === null || id === "") return null;
  if (id.length > idMaxChars)
    throw new Failure("bad_request", { detail: `${streamHeader} of more than ${idMaxChars} characters` });
  return `program-${new Bun.CryptoHasher("sha256").update(`${person}\n${id}`).digest("base64url")}`;
}

/**
 * Answers `GET` and `DELETE /v1/stream?conv_id=…` and `POST /v1/streams/lookup` as llama-server does.
 * @throws Failure
 */
export async function streamAnswer(
  request: Request,
  pathname: string,
  person: Pick<Person, "id">,
  requestId: string,
  options: StreamOptions,
): Promise<Response> {
  const query = new URL(request.url).searchParams;
  if (pathname === "/v1/streams/lookup") {
    if (request.method !== "POST") throw new Failure("wrong_method", { path: pathname, method: "POST" });
    return lookUp(request, person, options);
  }
  if (request.method !== "GET" && request.method !== "DELETE")
    throw new Failure("wrong_method", { path: pathname, method: "GET" });
  const id = streamIdOf(person, query.get("conv_id"));
  if (id === null) throw new Failure("bad_request", { detail: "conv_id" });
  if (request.method === "DELETE") {
    await endStream(options.upstream, id);
    options.onFinished();
    return new Response(null, { status: 204 });
  }
  const server = (await findStreams(options.upstream, [id])).get(id)?.server;
  if (server === undefined) throw new Failure("not_found");
  const answer = new RelayedAnswer(null, options);
  const from = query.get("from");
  const path = `/v1/stream?conv_id=${id}${from === null ? "" : `&from=${encodeURIComponent(from)}`}`;
  const relayed = {
    method: "GET",
    path,
    headers: {},
    body: new Uint8Array(),
    model: null,
    isStream: true,
    parts: [],
  } as const;
  options.upstream
    .pass({ run: newId(), request: requestId }, relayed, answer, answer.signal, server)
    .finally(options.onFinished)
    .then(
      () => answer.end(),
      (error: unknown) => answer.fail(error, () => ""),
    );
  return answer.response;
}

async function lookUp(
  request: Request,
  person: Pick<Person, "id">,
  { upstream, readBody, onFinished }: StreamOptions,
): Promise<Response> {
  const body = await readBody(request, { maxBytes: lookupMax * idMaxChars * 6, owner: person.id });
  body.release();
  const requested = idsIn(new TextDecoder().decode(body.bytes));
  const ids = new Map(requested.map((id) => [streamIdOf(person, id) ?? "", id]));
  const found = await findStreams(upstream, [...ids.keys()]);
  onFinished();
  return Response.json([...found].map(([id, { facts }]) => ({ ...facts, conversation_id: ids.get(id) })));
}

/** @throws Failure `bad_request` */
function idsIn(body: string): string[] {
  const ids = (parseJson(body) as { conversation_ids?: unknown } | null)?.conversation_ids;
  if (!Array.isArray(ids) || ids.length > lookupMax || !ids.every((id) => typeof id === "string")) {
    throw new Failure("bad_request", { detail: `conversation_ids: a list of at most ${lookupMax} texts` });
  }
  return ids as string[];
}

/** Ends a stream on the llama-server that has it. */
export async function endStream(upstream: Upstream, id: string): Promise<void> {
  const server = (await findStreams(upstream, [id])).get(id)?.server;
  if (server !== undefined)
    await shortAnswer(upstream, server, { method: "DELETE", path: `/v1/stream?conv_id=${id}`, body: "" });
}

interface KeptStream {
  readonly server: string;
  /** llama-server's fields: is_done, total_bytes, started_at, completed_at. */
  readonly facts: Readonly<Record<string, unknown>>;
}

/** The streams with these ids, by id. */
async function findStreams(upstream: Upstream, ids: readonly string[]): Promise<Map<string, KeptStream>> {
  const body = JSON.stringify({ conversation_ids: ids });
  const found = new Map<string, KeptStream>();
  await Promise.all(
    upstream.servers.map(async ({ url }) => {
      const listed = parseJson(
        await shortAnswer(upstream, url, { method: "POST", path: "/v1/streams/lookup", body }),
      );
      for (const facts of Array.isArray(listed) ? (listed as Record<string, unknown>[]) : []) {
        const id = facts?.["conversation_id"];
        if (typeof id === "string" && ids.includes(id)) found.set(id, { server: url, facts });
      }
    }),
  );
  return found;
}

/** Longest time for a lookup, in ms, and most bytes of its answer. */
const [answerMs, answerMaxBytes] = [5_000, 256 * 1024];

/** The text of a short answer; empty on failure. */
async function shortAnswer(
  upstream: Upstream,
  server: string,
  { method, path, body }: { method: "POST" | "DELETE"; path: string; body: string },
): Promise<string> {
  let text = "";
  const decoder = new TextDecoder();
  const sink: RelaySink = {
    head() {},
    body(bytes) {
      if (text.length < answerMaxBytes) text += decoder.decode(bytes, { stream: true });
      return undefined;
    },
  };
  const headers = { "content-type": "application/json" };
  const relayed = {
    method,
    path,
    headers,
    body: new TextEncoder().encode(body),
    model: null,
    isStream: false,
    parts: [],
  } as const;
  await upstream
    .pass({ run: newId(), request: "" }, relayed, sink, AbortSignal.timeout(answerMs), server)
    .catch(() => {});
  return text;
}
