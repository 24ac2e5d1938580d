// `GET /v1/models` of several llama-servers, and one model by its name, in OpenAI's format.

import { Failure } from "../domain/failure.ts";
import { parseJson } from "../domain/json.ts";
import type { RequestId, Upstream } from "../upstream/upstream.ts";
import { modelAt } from "./routes.ts";

const modelObject = (id: string) => ({
  id,
  object: "model",
  created: Math.floor(Date.now() / 1000),
  owned_by: "llamacpp",
});

/** The models of several llama-servers, in the format in which one lists its own. */
const modelList = (names: readonly string[]): Response =>
  Response.json({ object: "list", data: names.map(modelObject) });

/** Longest list of models that is read, in bytes. */
const listMaxBytes = 4 << 20;

/**
 * Answers requests about models that no single llama-server can: one model by its name, and the list of
 * several servers.
 * @returns null for any other request
 * @throws Failure `model_missing`
 */
export async function modelsAnswer(
  method: "GET" | "POST",
  pathname: string,
  requestId: string,
  { upstream, clientSignal }: { readonly upstream: Upstream; readonly clientSignal: AbortSignal },
): Promise<Response | null> {
  const name = modelAt(pathname);
  if (name !== null) return oneModel({ run: requestId, request: requestId }, name, upstream, clientSignal);
  if (method !== "GET" || upstream.servers.length <= 1) return null;
  const special = upstream.servers.flatMap((server) => server.special ?? []);
  return modelList([...upstream.state.models, ...special].map((model) => model.name));
}

/**
 * The model of this name, as the server's own list shows it if there is a single server.
 * @throws Failure `model_missing`
 */
async function oneModel(
  id: RequestId,
  name: string,
  upstream: Upstream,
  clientSignal: AbortSignal,
): Promise<Response> {
  const { state, servers } = upstream;
  const names = state.models.map((model) => model.name);
  // if the list can't be read, the names in the state replace it
  const own = servers.length > 1 ? [] : await fetchModels(id, upstream, clientSignal).catch(() => []);
  const found = [...own, ...names.map(modelObject)].find(({ id }) => isSameName(id, name));
  if (!found) throw new Failure("model_missing", { model: name.slice(0, 200), models: names.join(", ") });
  return Response.json(found);
}

/**
 * Compares names without a leading slash: a name may be a file's path, and an address loses one of two
 * slashes.
 */
function isSameName(id: string, name: string): boolean {
  const plain = (name: string) => name.replace(/^\/+/, "");
  return plain(id) === plain(name);
}

async function fetchModels(
  id: RequestId,
  upstream: Upstream,
  clientSignal: AbortSignal,
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
  } as const;
  await upstream.pass(id, list, sink, clientSignal);
  const { data } = (parseJson(Buffer.concat(chunks).toString("utf8")) ?? {}) as { data?: unknown };
  return Array.isArray(data) ? data.filter((each) => typeof each?.id === "string") : [];
}
