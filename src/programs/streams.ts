// Streams that a program takes up again: llama-server keeps the answer to a request that bears X-Conversation-Id, and whoever
// knows the id can read it from any byte. Here the ids of people are kept apart, and the llama-server is found that has one.

import type { Person } from "../domain/account.ts";
import type { ReadBody } from "../domain/body.ts";
import { Failure } from "../domain/failure.ts";
import { newId } from "../domain/id.ts";
import type { RelaySink, Upstream } from "../upstream/upstream.ts";
import { RelayedAnswer, type RelayedAnswerBounds } from "./relayed-answer.ts";

interface StreamParts extends RelayedAnswerBounds {
  readonly upstream: Upstream;
  readonly readBody: ReadBody;
  over(): void;
}

/** By this header llama-server keeps a stream. */
export const streamHeader = "x-conversation-id";

/** Longest id that a program may give, in characters, and as many ids may be looked up at once. */
const [idMaxChars, lookupMax] = [256, 256];

export const isStreamPath = (pathname: string): boolean =>
  pathname === "/v1/stream" || pathname === "/v1/streams/lookup";

/** The id under which llama-server keeps a stream of somebody's, so that nobody reads or ends another's; null where there is none. */
export function streamIdOf({ id: person }: Pick<Person, "id">, id: string | null): string | null {
  if (id === null || id === "") return null;
  if (id.length > idMaxChars)
    throw new Failure("bad_request", { detail: `${streamHeader} of more than ${idMaxChars} characters` });
  return `program-${new Bun.CryptoHasher("sha256").update(`${person}\n${id}`).digest("base64url")}`;
}

/** Answers `GET` and `DELETE /v1/stream?conv_id=…` and `POST /v1/streams/lookup` as llama-server does. @throws Failure */
export async function streamAnswer(
  request: Request,
  pathname: string,
  person: Pick<Person, "id">,
  requestId: string,
  parts: StreamParts,
): Promise<Response> {
  const asked = new URL(request.url).searchParams;
  if (pathname === "/v1/streams/lookup") {
    if (request.method !== "POST") throw new Failure("wrong_method", { path: pathname, method: "POST" });
    return lookUp(request, person, parts);
  }
  if (request.method !== "GET" && request.method !== "DELETE")
    throw new Failure("wrong_method", { path: pathname, method: "GET" });
  const id = streamIdOf(person, asked.get("conv_id"));
  if (id === null) throw new Failure("bad_request", { detail: "conv_id" });
  if (request.method === "DELETE") {
    await endStream(parts.upstream, id);
    parts.over();
    return new Response(null, { status: 204 });
  }
  const server = (await kept(parts.upstream, [id])).get(id)?.server;
  if (server === undefined) throw new Failure("not_found");
  const passing = new RelayedAnswer(null, parts);
  const from = asked.get("from");
  const path = `/v1/stream?conv_id=${id}${from === null ? "" : `&from=${encodeURIComponent(from)}`}`;
  const relayed = {
    method: "GET",
    path,
    headers: {},
    body: new Uint8Array(),
    model: null,
    isStream: true,
    parts: [],
    slots: 1,
  } as const;
  parts.upstream
    .pass({ run: newId(), request: requestId }, relayed, passing, passing.signal, server)
    .finally(parts.over)
    .then(
      () => passing.end(),
      (error: unknown) => passing.fail(error, () => ""),
    );
  return passing.response;
}

async function lookUp(
  request: Request,
  person: Pick<Person, "id">,
  { upstream, readBody, over }: StreamParts,
): Promise<Response> {
  const body = await readBody(request, { maxBytes: lookupMax * idMaxChars * 6, owner: person.id });
  body.release();
  const wished = idsIn(new TextDecoder().decode(body.bytes));
  const ids = new Map(wished.map((id) => [streamIdOf(person, id) ?? "", id]));
  const found = await kept(upstream, [...ids.keys()]);
  over();
  return Response.json([...found].map(([id, { facts }]) => ({ ...facts, conversation_id: ids.get(id) })));
}

/** @throws Failure `bad_request` */
function idsIn(body: string): string[] {
  const ids = (parsed(body) as { conversation_ids?: unknown } | null)?.conversation_ids;
  if (!Array.isArray(ids) || ids.length > lookupMax || !ids.every((id) => typeof id === "string")) {
    throw new Failure("bad_request", { detail: `conversation_ids: a list of at most ${lookupMax} texts` });
  }
  return ids as string[];
}

/** Ends a stream of a program's, wherever it is kept. */
export async function endStream(upstream: Upstream, id: string): Promise<void> {
  const server = (await kept(upstream, [id])).get(id)?.server;
  if (server !== undefined)
    await answerOf(upstream, server, { method: "DELETE", path: `/v1/stream?conv_id=${id}`, body: "" });
}

interface Kept {
  readonly server: string;
  /** As llama-server tells them: is_done, total_bytes, started_at, completed_at. */
  readonly facts: Readonly<Record<string, unknown>>;
}

/** Which of these streams are kept, and by which llama-server. */
async function kept(upstream: Upstream, ids: readonly string[]): Promise<Map<string, Kept>> {
  const body = JSON.stringify({ conversation_ids: ids });
  const found = new Map<string, Kept>();
  await Promise.all(
    upstream.servers.map(async ({ url }) => {
      const listed = parsed(
        await answerOf(upstream, url, { method: "POST", path: "/v1/streams/lookup", body }),
      );
      for (const facts of Array.isArray(listed) ? (listed as Record<string, unknown>[]) : []) {
        const id = facts?.["conversation_id"];
        if (typeof id === "string" && ids.includes(id)) found.set(id, { server: url, facts });
      }
    }),
  );
  return found;
}

/** How long a llama-server may take to say what it keeps, in ms, and how much of it is read, in bytes. */
const [answerMs, answerMaxBytes] = [5_000, 256 * 1024];

/** The text of a short answer; empty where there is none. */
async function answerOf(
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
    slots: 1,
  } as const;
  await upstream
    .pass({ run: newId(), request: "" }, relayed, sink, AbortSignal.timeout(answerMs), server)
    .catch(() => {});
  return text;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return null;
  }
}
