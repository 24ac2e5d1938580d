// The list of models of several llama-servers, and one model by its name, as OpenAI's programs ask for them.

import { Failure } from "../domain/failure.ts";
import type { RequestId, Upstream } from "../upstream/upstream.ts";
import { parsed } from "./skim.ts";

const modelObject = (id: string) => ({
  id,
  object: "model",
  created: Math.floor(Date.now() / 1000),
  owned_by: "llamacpp",
});

/** The models of several llama-servers, as one lists its own. */
export const modelList = (names: readonly string[]): Response =>
  Response.json({ object: "list", data: names.map(modelObject) });

/** A list of models that is longer is not read to its end, in bytes. */
const listMaxBytes = 4 << 20;

/** The model of this name: as the list has it, which is llama-server's own where there is one. @throws Failure `model_missing` */
export async function oneModel(
  asked: RequestId,
  wished: string,
  upstream: Upstream,
  gone: AbortSignal,
): Promise<Response> {
  const { state, servers } = upstream;
  const names = state.models.map(({ name }) => name);
  const own = servers.length > 1 ? [] : await listOf(asked, upstream, gone).catch(() => []); // what it can't tell, its state does
  const found = [...own, ...names.map(modelObject)].find(({ id }) => isCalled(id, wished));
  if (!found) throw new Failure("model_missing", { model: wished.slice(0, 200), models: names.join(", ") });
  return Response.json(found);
}

/** A name may be a file's path, whose first slash is lost where two stand beside each other in an address. */
function isCalled(id: string, wished: string): boolean {
  const plain = (name: string) => name.replace(/^\/+/, "");
  return plain(id) === plain(wished);
}

async function listOf(
  asked: RequestId,
  upstream: Upstream,
  gone: AbortSignal,
): Promise<{ readonly id: string }[]> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  const sink = {
    head() {},
    body(chunk: Uint8Array) {
      bytes += chunk.byteLength;
      if (bytes > listMaxBytes) throw new Failure("upstream_garbled");
      chunks.push(chunk);
      return undefined;
    },
  };
  const list = {
    method: "GET",
    path: "/v1/models",
    headers: {},
    body: new Uint8Array(0),
    model: null,
    isStream: false,
    parts: [],
    slots: 1,
  } as const;
  await upstream.pass(asked, list, sink, gone);
  const { data } = (parsed(Buffer.concat(chunks).toString("utf8")) ?? {}) as { data?: unknown };
  return Array.isArray(data) ? data.filter((each) => typeof each?.id === "string") : [];
}
